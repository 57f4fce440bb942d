#!/bin/sh
# How long short commands take, from the start of the program to its end: the median and the longest of 20 runs each, in milliseconds.
#
#   tests/MlxGateway.Benchmarks/start-up.sh [FOLDER]     FOLDER has a published MlxGateway; without it one is published
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
program=${1:-$work/published}/MlxGateway
[ $# -gt 0 ] || dotnet publish "$root/src/MlxGateway" -c Release -o "$work/published" >"$work/publish.log" 2>&1 || { cat "$work/publish.log" >&2; exit 1; }

export XDG_STATE_HOME="$work/state"
cat >"$work/config.json" <<'JSON'
{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false},
  "Engines":{"llama_server":{"Executable":"/nowhere/x"},"mlx_lm":{"Python":"/nowhere/x"},"mlx_vlm":{"Python":"/nowhere/x"}},
  "Models":{"one":{"Runner":"demo","Memory":"100MB"},"two":{"Runner":"demo","Memory":"100MB"}}}}
JSON
"$program" --config "$work/config.json" --port 18345 >"$work/gateway.log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null; wait $gateway 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q '^  Memory' "$work/gateway.log"; do kill -0 $gateway || { cat "$work/gateway.log" >&2; exit 1; }; sleep 0.1; done
url=http://127.0.0.1:18345
"$program" load one --url $url >/dev/null

measure() {
  name=$1; shift
  i=0
  while [ $i -lt 20 ]; do
    before=$(date +%s%N)
    "$@" >/dev/null 2>&1 || true
    after=$(date +%s%N)
    echo $(((after - before) / 1000000))
    i=$((i + 1))
  done | sort -n | awk -v name="$name" '{ v[NR] = $1 } END { printf "%-34s median %4d ms   longest %4d ms\n", name, (v[NR / 2] + v[NR / 2 + 1]) / 2, v[NR] }'
}
measure "--version" "$program" --version
measure "--help" "$program" --help
measure "ps" "$program" ps --url $url
measure "ps --port (reads configuration)" "$program" ps --port 18345
measure "models" "$program" models --url $url
measure "explain" "$program" explain --url $url
measure "show one" "$program" show one --url $url
measure "ps, no gateway there" "$program" ps --url http://127.0.0.1:9
measure "connect codex" "$program" connect codex --url $url
measure "complete show o" env MLXGATEWAY_URL=$url "$program" complete show o
if command -v script >/dev/null; then
  measure "models, in a terminal" env TERM=xterm script -qec "stty cols 120; $program models --url $url" /dev/null
fi
