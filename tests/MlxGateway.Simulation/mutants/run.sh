#!/bin/sh
# Applies each fault to a copy of the sources, runs the simulation on it until a law is broken, and says after how many events that was.
# usage: run.sh [NAME...]     MLXGATEWAY_MUTANT_SEEDS=1..400 and MLXGATEWAY_MUTANT_EVENTS=3000 are the bound.
# Exit codes: 0 all were noticed; 1 one survived, could not be applied or does not compile.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../../.." && pwd)
seeds=${MLXGATEWAY_MUTANT_SEEDS:-1..400}
events=${MLXGATEWAY_MUTANT_EVENTS:-3000}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'echo "Ended by a signal."; exit 1' HUP INT TERM
mkdir -p "$copy/src" "$copy/tests"
cp "$root"/Directory.*.props "$root/global.json" "$root/.editorconfig" "$copy/"
(cd "$root" && tar -cf - --exclude=bin --exclude=obj src/MlxGateway.Supervision tests/MlxGateway.Simulation) | (cd "$copy" && tar -xf -)
residency=$copy/src/MlxGateway.Supervision/Residency
cp -R "$residency" "$copy/untouched"

build() {
  # What the compiler thinks of a fault is of no interest, only whether it runs.
  dotnet build "$copy/tests/MlxGateway.Simulation" -c Release -o "$1" -v q -nologo -p:TreatWarningsAsErrors=false -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false > "$copy/build.log" 2>&1
}

run() { dotnet "$1/MlxGateway.Simulation.dll" --seeds "$seeds" --events "$events" > "$copy/run.log" 2>&1; }

build "$copy/sound" || { cat "$copy/build.log"; exit 1; }
run "$copy/sound" || { tail -n 20 "$copy/run.log"; echo "The sources break a law as they are."; exit 1; }

bad=0
all=0
printf '%-36s %s\n' mutant outcome
for mutant in "$here"/*.mutant; do
  name=$(basename "$mutant" .mutant)
  if [ $# -gt 0 ]; then case " $* " in *" $name "*) ;; *) continue ;; esac; fi
  all=$((all + 1))
  rm -rf "$residency" && cp -R "$copy/untouched" "$residency"
  if ! dotnet "$copy/sound/MlxGateway.Simulation.dll" --apply "$mutant" --to "$residency"; then
    outcome="DOES NOT APPLY"; bad=$((bad + 1))
  elif ! build "$copy/mutated"; then
    outcome="DOES NOT COMPILE: $(grep -m 1 -o 'error.*' "$copy/build.log" | sed 's/\[.*//')"; bad=$((bad + 1))
  elif run "$copy/mutated"; then
    outcome=SURVIVED; bad=$((bad + 1))
  elif grep -q '^BREACH' "$copy/run.log"; then
    outcome="noticed $(grep -m 1 -o 'after [0-9]* events' "$copy/run.log"): $(grep -m 1 '^BREACH' "$copy/run.log" | sed 's/^BREACH in //' | cut -c 1-110)"
  else
    outcome="FELL OVER: $(tail -n 1 "$copy/run.log")"; bad=$((bad + 1))
  fi
  printf '%-36s %s\n' "$name" "$outcome"
done
echo "$((all - bad)) of $all noticed"
[ "$bad" -eq 0 ]
