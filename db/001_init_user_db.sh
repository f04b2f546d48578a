#!/bin/bash
# Makes the example's database: the agent's user, the schema, the content.
#
# The PostgreSQL container runs it once, on its first start, as a file of
# /docker-entrypoint-initdb.d. Elsewhere, with a superuser's connection in
# PGHOST, PGPORT, PGUSER and PGPASSWORD:
#
#     DB_NAME=movies_database db/001_init_user_db.sh
#
# Set DB_NAME, DB_USER and DB_PASSWORD as in .env. Run again, it renews the
# user's password and rights, and leaves a schema that is there as it is.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# In the container the superuser is POSTGRES_USER, and psql takes the socket.
export PGUSER="${PGUSER:-${POSTGRES_USER:-postgres}}"
maintenance="${POSTGRES_DB:-postgres}"
database="${DB_NAME:-movies_database}"
user="${DB_USER:-movies_db_admin}"
# psql takes the password from here with \getenv, so that no list of processes
# shows it. What is quoted, psql quotes: nothing is pasted into SQL by the shell.
export DB_PASSWORD="${DB_PASSWORD:-tester100}"

sql() { # DATABASE ARGUMENT...
  PGDATABASE="$1" psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet \
    -v database="$database" -v user="$user" "${@:2}"
}

# The lock lets several of these run side by side, each for its own database:
# the user is shared by them all. format() quotes, and \gexec runs the result.
sql "$maintenance" <<'SQL'
\getenv password DB_PASSWORD
set client_min_messages = warning;
begin;
select pg_advisory_xact_lock(hashtext('001_init_user_db.sh')) \g /dev/null
select format('create role %I', :'user')
where not exists (select from pg_roles where rolname = :'user') \gexec
alter role :"user" login password :'password';
-- An agent that polls must see when the transactions of others began: a row
-- that is committed late carries an early updated_at.
grant pg_read_all_stats to :"user";
commit;
select format('create database %I encoding ''UTF8'' template template0', :'database')
where not exists (select from pg_database where datname = :'database') \gexec
SQL

# In one transaction: a broken load leaves nothing behind.
present=$(sql "$database" --tuples-only --no-align \
  -c "select count(*) from pg_namespace where nspname = 'content'")
if [ "$present" = 0 ]; then
  sql "$database" --single-transaction \
    -f "$folder/movies_db_schema.ddl" \
    -f "$folder/movies_db_content.dump"
  sql "$database" -c 'vacuum analyze'
fi

# The agent reads and does nothing else. By default every user may connect to
# a database and make temporary tables in it; here, who is named may connect.
sql "$database" <<'SQL'
begin;
revoke all on database :"database" from public;
revoke create on schema public from public;
grant connect on database :"database" to :"user";
grant usage on schema content to :"user";
grant select on all tables in schema content to :"user";
-- Tables that are added later, too.
alter default privileges in schema content grant select on tables to :"user";
commit;
SQL
