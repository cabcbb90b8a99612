namespace OrleansStreaming.Topologies;

/// <content>Operators, their inboxes and relays.</content>
internal sealed partial class TopologyCompiler
{
    private void Compile(OperatorDeclaration op)
    {
        string user = $"Operator '{op.Name}'";
        StreamDefinition[] inputs = FindInputs(user, op);
        StreamDefinition[] outputs = FindOutputs(user, op);
        CheckOptions(user, op.Options);
        (Type Key, Type State)? types = CheckClass(user, op.Type);
        if (types is { } known)
        {
            CheckInputs(user, op, known.Key, inputs);
            CheckType($"State {TypeNames.Short(known.State)} of operator '{op.Name}'", known.State, report: _checkedTypes.Add((op.Name, known.State)));
        }

        if (inputs.Length == 0 || inputs.Length != op.From.Distinct().Count())
        {
            return; // reported already
        }

        StreamDefinition? from = op.HasInbox ? CompileInbox(op, inputs) : inputs[0];
        if (from is not null)
        {
            _operators.Add(new OperatorDefinition
            {
                Name = op.Name,
                GrainType = op.Type,
                StateType = types?.State,
                From = from,
                To = outputs,
                DeadLetters = op.HasDeadLetters ? _streams[op.DeadLettersName] : null,
                Options = op.Options,
            });
        }
    }

    private StreamDefinition[] FindInputs(string user, OperatorDeclaration op)
    {
        if (op.From.Count == 0)
        {
            _mistakes.Add($"{user} reads no stream: name at least one in 'from'.");
        }

        AddUnlessNull(Twice(user, "'from'", op.From));
        return [.. op.From.Distinct().Select(name => Find(user, name)).OfType<StreamDefinition>()];
    }

    private StreamDefinition[] FindOutputs(string user, OperatorDeclaration op)
    {
        AddUnlessNull(Twice(user, "'to'", op.To));
        StreamDefinition[] outputs = [.. op.To.Distinct().Where(name => MayWrite(user, name)).Select(name => Find(user, name)).OfType<StreamDefinition>()];
        return outputs;
    }

    private static IEnumerable<string> Twice(string user, string where, StreamNames names) =>
        names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => $"{user} names stream '{g.Key}' {g.Count()} times in {where}: name it once.");

    private bool MayWrite(string user, string stream)
    {
        foreach (OperatorDeclaration op in operators)
        {
            bool inbox = op.HasInbox && stream == op.InboxName;
            if (inbox || (op.HasDeadLetters && stream == op.DeadLettersName))
            {
                string kind = inbox ? "inbox" : "dead-letter stream";
                _mistakes.Add($"{user} writes to '{stream}', the {kind} of operator '{op.Name}', which only the platform writes to: "
                    + (inbox ? $"write to a stream of your own and add it to the 'from' of '{op.Name}'." : "write to a stream of your own."));
                return false;
            }
        }

        return true;
    }

    /// <summary>Several inputs become one: a relay per input copies its events into the inbox, whose order is the order of processing.</summary>
    private StreamDefinition? CompileInbox(OperatorDeclaration op, StreamDefinition[] inputs)
    {
        StreamDefinition? inbox = Declare(new StreamDeclaration(op.InboxName, inputs[0].KeyKind)
        {
            // A type that several inputs carry is one type here; relays copy keys, they do not compute them again.
            Types = [.. inputs.SelectMany(i => _declared[i.Name].Types).DistinctBy(t => t.ClrType)],
            Partitions = op.Options.InboxPartitions == 0 ? null : op.Options.InboxPartitions,
            Strict = inputs.Any(i => i.Strict),
            Internal = true,
        });
        if (inbox is null)
        {
            return null;
        }

        foreach (StreamDefinition input in inputs)
        {
            _operators.Add(new OperatorDefinition
            {
                Name = $"{op.Name}<{input.Name}",
                GrainType = null,
                From = input,
                To = [inbox],
                Options = new OperatorOptions { OnFailure = FailurePolicy.Stop },
            });
        }

        return inbox;
    }
}
