-- A genre on half of all films, for measuring what a change of it costs. Their
-- ids are hashes: about half of them are in the lower half of all ids.

insert into content.genre (id, name, description, created_at, updated_at)
values (
  md5('half genre')::uuid, 'Half', 'half',
  timestamptz '2020-01-01 00:00:00+00', timestamptz '2020-01-01 00:00:00+00'
);

insert into content.genre_film_work (id, film_work_id, genre_id, created_at)
select
  md5('half genre link ' || id)::uuid, id, md5('half genre')::uuid,
  timestamptz '2020-01-01 00:00:00+00'
from content.film_work
where id < '80000000-0000-0000-0000-000000000000';

analyze content.genre, content.genre_film_work;
