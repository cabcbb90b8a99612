using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>I6: no record of a sealed journal beyond its seal is read; no zombie's append is ever confirmed.</summary>
internal sealed class SealChecker(Oracle oracle) : Checker(oracle, "I6")
{
    private readonly Dictionary<string, long> _ends = [];

    /// <summary>A journal was fenced, and its end found.</summary>
    public void Fenced(string journal, long end, long confirmed)
    {
        if (_ends.TryGetValue(journal, out long known) && known != end)
        {
            Fail($"{journal} was sealed at {known}, and now at {end}");
        }

        _ends[journal] = end;
        if (confirmed > end)
        {
            Fail($"{journal} is sealed at {end}, but frame {confirmed} was confirmed to its writer");
        }
    }

    /// <summary>An append is confirmed to the journal's writer.</summary>
    public void Confirmed(string journal, long lsn)
    {
        if (_ends.TryGetValue(journal, out long end) && lsn > end)
        {
            Fail($"frame {lsn} of {journal} is confirmed to its writer, but the journal is sealed at {end}");
        }
    }

    /// <summary>Somebody is given frames.</summary>
    public void Read(string journal, long lsn)
    {
        if (_ends.TryGetValue(journal, out long end) && lsn > end)
        {
            Fail($"frame {lsn} of {journal} is read, but the journal is sealed at {end}");
        }
    }

    /// <summary>A writer appends, in memory, to a journal that has been sealed.</summary>
    public void Appended(SimulatedSilo silo, OracleRecord record, long end)
    {
        if (record.Lsn <= end)
        {
            Fail($"{silo.Label} appended {record} below the end {end} of its sealed journal");
        }
    }

    /// <summary>A silo holds or consumes what no silo has appended.</summary>
    public void Unknown(SimulatedSilo silo, int partition, long offset) =>
        Fail($"{silo.Label} holds {new Offset(offset)} of {World.PartitionName(partition)}, which nobody appended");
}
