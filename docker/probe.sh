#!/bin/bash
# Whether a service is well, without starting Python:
#   probe.sh http PORT PATH     its answer is 200
#   probe.sh alive FILE SECONDS it has written its file within so many seconds
set -eu
case "$1" in
http)
    exec 3<>"/dev/tcp/127.0.0.1/$2"
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$3" >&3
    read -r -t 9 _ status _ <&3
    [ "$status" = 200 ]
    ;;
alive)
    written=$(stat -c %Y "$2")
    [ $(($(date +%s) - written)) -le "$3" ]
    ;;
*)
    exit 2
    ;;
esac
