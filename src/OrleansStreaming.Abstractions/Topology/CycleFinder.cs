namespace OrleansStreaming.Topologies;

/// <summary>Finds cycles that no feedback stream closes: nothing would ever stop the events in them by intention.</summary>
internal sealed class CycleFinder
{
    private readonly Dictionary<string, List<(string Operator, string To)>> _edges = new(StringComparer.Ordinal);
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private readonly List<(string Stream, string Operator)> _path = [];
    private readonly List<string> _cycles = [];

    private CycleFinder()
    {
    }

    /// <summary>The cycles as <c>a -> op -> b -> op2 -> a</c>; one for every edge that leads back.</summary>
    public static IReadOnlyList<string> Find(IEnumerable<OperatorDeclaration> operators, Func<string, bool> isFeedback)
    {
        CycleFinder finder = new();
        foreach (OperatorDeclaration op in operators)
        {
            // A dead letter leads on, too: an operator that sends its own dead letters back to itself may never end.
            IEnumerable<string> to = op.HasDeadLetters ? op.To.Append(op.DeadLettersName) : op.To;
            foreach (string from in op.From.Where(s => !isFeedback(s)).Distinct())
            {
                if (!finder._edges.TryGetValue(from, out List<(string, string)>? edges))
                {
                    finder._edges.Add(from, edges = []);
                }

                edges.AddRange(to.Where(s => !isFeedback(s)).Distinct().Select(s => (op.Name, s)));
            }
        }

        foreach (string stream in finder._edges.Keys)
        {
            finder.Visit(stream);
        }

        return finder._cycles;
    }

    private void Visit(string stream)
    {
        if (!_edges.TryGetValue(stream, out List<(string Operator, string To)>? edges) || _done.Contains(stream))
        {
            return;
        }

        foreach ((string op, string to) in edges)
        {
            _path.Add((stream, op));
            int start = _path.FindIndex(step => step.Stream == to);
            if (start >= 0)
            {
                _cycles.Add(string.Concat(_path.Skip(start).Select(step => $"{step.Stream} -> {step.Operator} -> ")) + to);
            }
            else
            {
                Visit(to);
            }

            _path.RemoveAt(_path.Count - 1);
        }

        _done.Add(stream);
    }
}
