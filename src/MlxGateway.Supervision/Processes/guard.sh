# Ends every runner when the gateway is gone, however it went (kill -9 included). One small process for the whole gateway, any POSIX sh.
# Its standard input is a pipe whose other end only the gateway holds (no runner may inherit it), and it runs in a session of its own.
# Lines: "mark TEXT" once, then "add PGID" and "del PGID"; "bye" means that all are gone and nothing is left to do.
# Every runner is started in a process group of its own with MLXGATEWAY_MARK=TEXT in its environment, which its children inherit:
# so one that leaves the group is still found.
trap '' HUP INT TERM # a Ctrl-C in the terminal reaches us too, and we must outlive the gateway
mark='' groups=''
while read -r verb value; do
  case $verb in
    mark) mark=$value ;;
    add) groups="$groups $value" ;;
    del) kept=''; for g in $groups; do [ "$g" = "$value" ] || kept="$kept $g"; done; groups=$kept ;;
    bye) exit 0 ;;
  esac
done

marked() {
  if [ -r /proc/self/environ ]; then
    grep -lszxF "MLXGATEWAY_MARK=$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
  else # macOS; the pattern is put together inside awk, so that awk does not find itself
    TEXT=$mark ps -axwwE -o pid= -o command= | TEXT=$mark awk 'index($0, "MLXGATEWAY_" "MARK=" ENVIRON["TEXT"]) { print $1 }'
  fi
}
end() {
  # dash refuses "kill -TERM -- -GROUP" as an illegal number; the second form is for a shell that does not know "--" behind -s.
  for g in $groups; do kill -s "$1" -- "-$g" 2>/dev/null || kill "-$1" "-$g" 2>/dev/null; done
  [ -n "$mark" ] && for p in $(marked); do kill -s "$1" "$p" 2>/dev/null; done
}
end TERM
sleep 1
end KILL
