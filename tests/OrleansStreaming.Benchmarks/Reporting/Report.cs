using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>The figures of one scenario: a table for people, one JSON object for programs.</summary>
internal sealed class Report
{
    private readonly JsonObject _json = [];
    private readonly List<Table> _details = [];
    private readonly Table _table = new Table().RoundedBorder().BorderColor(Color.Grey)
        .AddColumns(new TableColumn("figure"), new TableColumn("value").RightAligned(), new TableColumn("aim"), new TableColumn(""));

    public Report(string scenario, string title)
    {
        _json["scenario"] = scenario;
        _table.Title(Markup.Escape(title));
    }

    /// <summary>What was run: only in the JSON object.</summary>
    public Report With(string field, JsonNode? value)
    {
        _json[field] = value;
        return this;
    }

    /// <summary>Shows another table above the figures.</summary>
    public Report Under(Table details)
    {
        _details.Add(details);
        return this;
    }

    /// <summary>A figure with its aim.</summary>
    public Report Add(string field, double value, string format = "N2", Aim? aim = null)
    {
        if (!double.IsFinite(value))
        {
            return Missing(field, "nothing to measure at this size");
        }

        _json[field] = Math.Round(value, 4);
        string verdict = aim?.Judge(value) ?? "";
        string colour = verdict == "missed" ? "red" : "green";
        _table.AddRow(field, value.ToString(format, CultureInfo.InvariantCulture), aim?.ToString() ?? "", verdict.Length > 0 ? $"[{colour}]{verdict}[/]" : "");
        return this;
    }

    /// <summary>A figure that there is none of, and why.</summary>
    public Report Missing(string field, string reason)
    {
        _json[field] = null;
        _json[field + "Reason"] = reason;
        _table.AddRow(field, "n/a", Markup.Escape(reason), "");
        return this;
    }

    public void Print(bool json)
    {
        foreach (Table details in _details)
        {
            AnsiConsole.Write(details);
        }

        AnsiConsole.Write(_table);
        if (json)
        {
            Console.WriteLine(_json.ToJsonString(new JsonSerializerOptions { WriteIndented = false }));
        }
    }
}
