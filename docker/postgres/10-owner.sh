#!/bin/sh
# Runs once, when the database is made: the owner of the tables, who is no superuser. `arrears migrate`
# connects as this owner and makes the roles of the services.
set -eu
password=$(cat /run/secrets/owner_password)
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$password" --dbname=postgres <<'SQL'
CREATE ROLE arrears LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE arrears OWNER arrears;
REVOKE ALL ON DATABASE arrears FROM PUBLIC;
SQL
