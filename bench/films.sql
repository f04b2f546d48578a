-- Fills the example's schema with films for measuring; run by films.ts, which
-- sets bench.films. Nothing is random: a number's hash says what belongs to it.
-- It is run in one transaction.

-- References are right by the way they are made: not looking them up halves
-- the time. It takes a superuser.
set local session_replication_role = replica;

create function pg_temp.key_of(kind text, number bigint) returns uuid
language sql immutable as $$
  select md5(kind || ' ' || number)::uuid
$$;

-- A number from 0 to size - 1 that follows from what it is for.
create function pg_temp.pick(kind text, number bigint, size bigint)
returns bigint language sql immutable as $$
  select (hashtextextended(kind, number) & 9223372036854775807) % size
$$;

create temporary table count_of on commit drop as
select
  current_setting('bench.films')::bigint as films,
  greatest(current_setting('bench.films')::bigint / 2, 16) as persons,
  26::bigint as genres;

-- A moment of its own for each row, in the order of its number.
insert into content.genre (id, name, description, created_at, updated_at)
select
  pg_temp.key_of('genre', n), 'Genre ' || n, 'Жанр номер ' || n, moment, moment
from count_of, generate_series(1, genres) n,
  lateral (select timestamptz '2020-01-01 00:00:00+00' + n * interval '1 second'
    as moment) m;

insert into content.person (id, full_name, created_at, updated_at)
select
  pg_temp.key_of('person', n),
  (array['Ada', 'Вера', 'Boris', 'Clara', 'Денис', 'Edith', 'Глеб', 'Hugo'])
    [1 + pg_temp.pick('first name', n, 8)]
    || ' ' ||
    (array['Ashgrove', 'Белогоров', 'Thornwick', 'Тихолесов', 'Hartmarsh'])
    [1 + pg_temp.pick('surname', n, 5)]
    || ' ' || n,
  moment, moment
from count_of, generate_series(1, persons) n,
  lateral (select timestamptz '2020-02-01 00:00:00+00' + n * interval '1 second'
    as moment) m;

insert into content.film_work (
  id, title, description, creation_date, rating, type, created_at, updated_at
)
select
  pg_temp.key_of('film', n),
  case when n % 2 = 0 then 'The Lighthouse ' || n else 'Тихая гавань ' || n end,
  description,
  date '1950-01-01' + pg_temp.pick('day', n, 26000)::integer,
  (10 + pg_temp.pick('rating', n, 90)) / 10.0,
  (case when pg_temp.pick('type', n, 5) = 0 then 'tv_show' else 'movie' end)
    ::content.film_type,
  moment, moment
from count_of, generate_series(1, films) n,
  lateral (select timestamptz '2021-01-01 00:00:00+00' + n * interval '1 second'
    as moment) m,
  lateral (
    select string_agg(
      (array[
        'A keeper returns to the harbour and finds that the light is gone.',
        'Письмо приходит через двадцать лет, и всё начинается сначала.',
        'Nobody remembers who closed the theatre, or when, or why.',
        'На карте отмечен остров, которого не видел ни один моряк.',
        'The last train leaves at midnight, and the guests stay behind.',
        'Снег идёт третий день, и дорога в город закрыта до весны.',
        'One conversation on the bridge decides what the town will be.'
      ])[1 + pg_temp.pick('sentence ' || k, n, 7)],
      ' ' order by k
    ) as description
    from generate_series(1, 8) k
  ) d;

-- Three genres a film: of 26 in a row, so that none comes twice.
insert into content.genre_film_work (id, film_work_id, genre_id, created_at)
select
  pg_temp.key_of('genre link ' || k, n),
  pg_temp.key_of('film', n),
  pg_temp.key_of('genre', 1 + (pg_temp.pick('genre', n, genres) + k) % genres),
  timestamptz '2021-01-01 00:00:00+00' + n * interval '1 second'
from count_of, generate_series(1, films) n, generate_series(1, 3) k;

-- Five to eight persons a film, likewise.
insert into content.person_film_work (
  id, film_work_id, person_id, role, created_at
)
select
  pg_temp.key_of('person link ' || k, n),
  pg_temp.key_of('film', n),
  pg_temp.key_of(
    'person',
    1 + (pg_temp.pick('person', n, persons) + k) % persons
  ),
  (case k when 1 then 'director' when 2 then 'writer' else 'actor' end)
    ::content.person_role,
  timestamptz '2021-01-01 00:00:00+00' + n * interval '1 second'
from count_of, generate_series(1, films) n,
  lateral generate_series(1, 5 + pg_temp.pick('cast', n, 4)) k;
