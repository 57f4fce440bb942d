# Ends every runner when the gateway is gone, however it went (kill -9 included). One small process for the whole gateway, any POSIX sh.
# Its standard input is a pipe whose other end only the gateway holds (no runner may inherit it), and it runs in a session of its own.
# Lines: "mark TEXT" once, then "add PGID" and "del PGID"; "bye" means that all are gone and nothing is left to do.
# Every runner is started in a process group of its own with MLXGATEWAY_MARK=TEXT in its environment, which its children inherit:
# so one that leaves the group is still found. MLXGATEWAY_CHILD tells the runners apart: "with TEXT" is one that another gateway
# started and this one adopted, "less TEXT" one that is kept when the gateway goes, and is none of ours from then on.
trap '' HUP INT TERM # a Ctrl-C in the terminal reaches us too, and we must outlive the gateway
mark='' groups='' with='' less=''
without() { # LIST WORD: the list without that word
  kept=''
  for one in $1; do [ "$one" = "$2" ] || kept="$kept $one"; done
}
while read -r verb value; do
  case $verb in
    mark) mark=$value ;;
    add) groups="$groups $value" ;;
    del) without "$groups" "$value"; groups=$kept ;;
    with) with="$with $value" ;;
    less) without "$with" "$value"; with=$kept less="$less $value" ;;
    bye) exit 0 ;;
  esac
done

marked() {
  if [ -r /proc/self/environ ]; then
    set -- -e "MLXGATEWAY_MARK=$mark"
    for one in $with; do set -- "$@" -e "MLXGATEWAY_CHILD=$one"; done
    for file in $(grep -lszxF "$@" /proc/[0-9]*/environ 2>/dev/null); do
      spared=''
      for one in $less; do grep -qszxF "MLXGATEWAY_CHILD=$one" "$file" 2>/dev/null && spared=yes; done
      [ -n "$spared" ] || echo "$file" | cut -d/ -f3
    done
  else # macOS; the patterns are put together inside awk, so that awk does not find itself
    ps -axwwE -o pid= -o command= | TEXT=$mark WITH=$with LESS=$less awk '
      function carries(list, i, n, one) { n = split(list, one, " "); for (i = 1; i <= n; i++) if (index($0 " ", "MLXGATEWAY_" "CHILD=" one[i] " ")) return 1; return 0 }
      (index($0, "MLXGATEWAY_" "MARK=" ENVIRON["TEXT"]) || carries(ENVIRON["WITH"])) && !carries(ENVIRON["LESS"]) { print $1 }'
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
