using System.Diagnostics;
using System.Globalization;
using OrleansStreaming.Testing.Simulation;

long seeds = 1000, start = 0, minutes = 0;
ulong? trace = null;
string? mutant = null, exhaust = null, crash = null;
bool mutants = false, digests = false, list = false;
NamedScenario? scenario = ScenarioCatalog.Random;
const int seconds = 60;
for (int i = 0; i < args.Length; i++)
{
    string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{args[i]} needs a value");
    switch (args[i])
    {
        case "--seeds": seeds = long.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--start": start = long.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--minutes": minutes = long.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--trace": trace = ulong.Parse(Value(), CultureInfo.InvariantCulture); break;
        case "--mutants": mutants = true; break;
        case "--digests": digests = true; break;
        case "--mutant": mutant = Value(); break;
        case "--list": list = true; break;
        case "--exhaust": exhaust = i + 1 < args.Length && !args[i + 1].StartsWith('-') ? args[++i] : ""; break;
        case "--crash": crash = Value(); break;
        case "--scenario":
            string name = Value();
            scenario = ScenarioCatalog.Find(name);
            if (scenario is null)
            {
                Console.Error.WriteLine($"there is no scenario {name}; --list lists them");
                return 2;
            }

            break;
        default:
            Console.Error.WriteLine("usage: [--seeds N] [--start S] [--minutes M] [--scenario NAME] [--digests] [--mutant NAME | --mutants] | --trace SEED [--mutant NAME] | --exhaust [all | NAME [--crash PLAN]] [--mutant NAME | --mutants] | --list");
            return 2;
    }
}

if (list)
{
    foreach (NamedScenario named in ScenarioCatalog.All)
    {
        Console.WriteLine($"{named.Name,-20} {named.Description}");
    }

    return 0;
}

if (mutant is not null && !Mutants.Switch(mutant, true))
{
    Console.Error.WriteLine($"there is no mutant {mutant}; there are {string.Join(", ", Mutants.Names)}");
    return 2;
}

if (mutants)
{
    return exhaust is null ? Mutants.RunAll((int)seeds, (ulong)start, seconds)
        : Exhaust.RunMutants(ExhaustionCatalog.Find(exhaust) is { } one ? [one] : ExhaustionCatalog.All);
}

if (exhaust is "" or "all")
{
    return Exhaust.RunAll(everything: exhaust == "all");
}

if (exhaust is not null)
{
    if (ExhaustionCatalog.Find(exhaust) is not { } small || (crash is not null && CrashPlan.TryParse(crash) is null))
    {
        Console.Error.WriteLine($"--exhaust wants a name, and --crash steps such as 17b+40a+late (b: before it, a: after it, o: another silo, s, m, e: within an append); there are {string.Join(", ", ExhaustionCatalog.All.Select(s => s.Name))}");
        return 2;
    }

    return crash is null ? Exhaust.RunOne(small) : Exhaust.Replay(small, CrashPlan.TryParse(crash)!);
}

const string Command = "dotnet run -c Release --project tests/OrleansStreaming.Simulation --";
string options = (mutant is null ? "" : $" --mutant {mutant}") + (scenario == ScenarioCatalog.Random ? "" : $" --scenario {scenario.Name}");

if (trace is { } seed)
{
    var world = new SimulatedWorld(seed, scenario, Console.WriteLine);
    SimulationException? failure = world.Run(TimeSpan.FromSeconds(seconds));
    Console.WriteLine($"digest {world.Digest:x16}");
    Console.WriteLine(failure is null ? "seeds: 1 passed, 0 failed" : $"{failure.Invariant}: {failure.Message}\nseeds: 0 passed, 1 failed");
    return failure is null ? 0 : 1;
}

var watch = Stopwatch.StartNew();
var totals = new Totals();
var kinds = new SortedDictionary<string, int>();
long passed = 0, failed = 0, next = start;
ulong digest = 0;
object gate = new();
Thread[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work, 16 << 20))];
foreach (Thread worker in workers)
{
    worker.Start();
}

foreach (Thread worker in workers)
{
    worker.Join();
}

Console.WriteLine($"{watch.Elapsed.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture)} s, digest {digest:x16}, {(totals.SimulatedMs / 3_600_000.0).ToString("F2", CultureInfo.InvariantCulture)} simulated hours");
Console.WriteLine(string.Join(", ", totals.Work().Select(t => $"{t.Name} {t.Value}")));
Console.WriteLine("faults: " + string.Join(", ", totals.Faults().Select(f => $"{f.Kind} {f.Count}")));
foreach ((string kind, int count) in kinds)
{
    Console.WriteLine($"{kind}: {count}");
}

Console.WriteLine($"seeds: {passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;

void Work()
{
    while (true)
    {
        long current = Interlocked.Increment(ref next) - 1;
        bool over = minutes > 0 ? watch.Elapsed.TotalMinutes >= minutes : current >= start + seeds;
        if (over)
        {
            return;
        }

        var world = new SimulatedWorld((ulong)current, scenario);
        SimulationException? failure = world.Run(TimeSpan.FromSeconds(seconds));
        lock (gate)
        {
            totals.Add(world.Totals);
            digest ^= SimulationRandom.Mix(world.Digest, (ulong)current);
            if (digests)
            {
                Console.WriteLine($"seed {current} digest {world.Digest:x16}");
            }

            if (failure is null)
            {
                passed++;
                continue;
            }

            failed++;
            kinds[failure.Invariant] = kinds.GetValueOrDefault(failure.Invariant) + 1;
            string message = failure.Message.ReplaceLineEndings(" ");
            Console.WriteLine($"{Command} --trace {current}{options}    {failure.Invariant}: {(message.Length > 400 ? message[..400] : message)}");
        }
    }
}
