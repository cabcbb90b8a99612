#!/usr/bin/env bash
# Starts Azurite and three silos as processes of this machine, feeds them 20,000 flights over HTTP, kills one of them with
# SIGKILL in the middle, starts another one, and says what that undid and whether the result is right.
#
#   infra/cluster/run.sh                       a silo is killed
#   infra/cluster/run.sh --disturb restart     silo by silo is stopped and started again: nothing is undone
#   infra/cluster/run.sh --members azuretables the silos find each other through Azure Tables (those of Azurite); adonet: PostgreSQL
#   infra/cluster/run.sh --help                what else can be asked for
#
# It needs bash, the .NET SDK 10 with Orleans in its package sources, and Node.js with npm. Nothing that it starts outlives
# it, also when it is interrupted or killed: it becomes the program that drives the silos, which are tied to that.
set -u -o pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)" || exit 1
project="$root/samples/FlightCluster"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

for program in dotnet node; do
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "run.sh: '$program' is not on the PATH. Install the .NET SDK 10 (https://dotnet.microsoft.com/download/dotnet/10.0) and Node.js with npm (https://nodejs.org)." >&2
        exit 1
    fi
done

membership=
case " $* " in # Each brings its packages.
    *" --members azuretables "*) membership=AzureTables ;;
    *" --members adonet "*) membership=AdoNet ;;
esac

if ! build="$(dotnet build "$project" -c Release -p:Membership="$membership" -nologo -v:quiet -nodeReuse:false -p:UseSharedCompilation=false 2>&1)"; then
    case "$build" in
        *NU110*Microsoft.Orleans*) echo "run.sh: the package sources of this machine have no Orleans, which a cluster needs." >&2 ;;
        *) echo "$build" >&2 ;;
    esac
    exit 1
fi

program="$(dotnet msbuild "$project" -getProperty:TargetPath -p:Configuration=Release)" || exit 1
exec dotnet "$program" drive "$@"
