#!/bin/sh
# What the image of PostgreSQL does before PostgreSQL begins: an empty folder becomes a database, with
# a server that answers on its socket alone; while scripts of the house run there, that takes a while.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  chmod 700 "$PGDATA"
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
  sleep 8
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
