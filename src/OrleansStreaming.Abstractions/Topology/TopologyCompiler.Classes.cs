namespace OrleansStreaming.Topologies;

/// <content>Operator classes and their options.</content>
internal sealed partial class TopologyCompiler
{
    private (Type Key, Type State)? CheckClass(string user, Type type)
    {
        string name = TypeNames.Short(type);
        if (type.ContainsGenericParameters)
        {
            _mistakes.Add($"{user}: {name} is an open generic type: name its type arguments.");
            return null;
        }

        if (Base(type) is not { } parent)
        {
            _mistakes.Add($"{user}: {name} does not derive from OperatorGrain<TState> or OperatorGrain<TKey, TState>: let it derive from one of them.");
            return null;
        }

        if (type.IsAbstract)
        {
            _mistakes.Add($"{user}: {name} is abstract: add a class that can be made.");
            return null;
        }

        if (type.GetConstructors().Length == 0)
        {
            _mistakes.Add($"{user}: {name} has no public constructor: give it one.");
        }

        Type[] arguments = parent.GetGenericArguments();
        if (KeyCodec.KindOf(arguments[0]) is null)
        {
            _mistakes.Add($"{user}: {name} has keys of type {TypeNames.Short(arguments[0])}: use string, long or Guid.");
        }

        return (arguments[0], arguments[1]);
    }

    private static Type? Base(Type type)
    {
        for (Type? t = type; t is not null; t = t.BaseType)
        {
            if (t.IsGenericType && t.GetGenericTypeDefinition() == typeof(OperatorGrain<,>))
            {
                return t;
            }
        }

        return null;
    }

    private void CheckInputs(string user, OperatorDeclaration op, Type key, StreamDefinition[] inputs)
    {
        KeyKind? kind = KeyCodec.KindOf(key);
        foreach (StreamDefinition input in inputs)
        {
            if (kind is not null && kind != input.KeyKind)
            {
                string streamKey = KeyCodec.NameOf(input.KeyKind);
                _mistakes.Add($"{user} ({TypeNames.Short(op.Type)}) has keys of type {TypeNames.Short(key)}, but stream '{input.Name}' is keyed by {streamKey}: "
                    + $"derive from OperatorGrain<{streamKey}, TState>, or key the stream by {TypeNames.Short(key)}.");
            }

            foreach (EventTypeDeclaration type in _declared[input.Name].Types.DistinctBy(t => t.ClrType))
            {
                // Assignability, not equality: a consumer of a base type takes derived events, too.
                if (!typeof(IConsume<>).MakeGenericType(type.ClrType).IsAssignableFrom(op.Type))
                {
                    string carried = TypeNames.Short(type.ClrType);
                    _mistakes.Add($"{user} ({TypeNames.Short(op.Type)}) reads stream '{input.Name}', which carries {carried}, but does not implement IConsume<{carried}>: "
                        + "implement it, or read another stream.");
                }
            }
        }

        if (inputs.Select(i => i.KeyKind).Distinct().Count() > 1)
        {
            _mistakes.Add($"{user} reads streams with different types of keys ("
                + string.Join(", ", inputs.Select(i => $"'{i.Name}' by {KeyCodec.NameOf(i.KeyKind)}")) + "): one operator reads one type of key.");
        }
    }

    private void CheckOptions(string user, OperatorOptions options)
    {
        Require(Enum.IsDefined(options.OnFailure), $"OnFailure is {options.OnFailure}: choose a named policy.");
        Require(options.MaxAttempts >= 1, $"MaxAttempts is {options.MaxAttempts}: allow at least 1.");
        Require(options.RetryDelay >= TimeSpan.Zero, $"RetryDelay is {options.RetryDelay}: it cannot be negative.");
        Require(options.MaxRetryDelay >= options.RetryDelay, $"MaxRetryDelay is {options.MaxRetryDelay}: make it at least RetryDelay, {options.RetryDelay}.");
        Require(options.TurnTimeout > TimeSpan.Zero, $"TurnTimeout is {options.TurnTimeout}: it must be positive.");
        Require(options.IdleAfter > TimeSpan.Zero, $"IdleAfter is {options.IdleAfter}: it must be positive.");
        Require(Enum.IsDefined(options.Hosting), $"Hosting is {options.Hosting}: choose a named hosting.");
        Require(options.MaxResident >= 0, $"MaxResident is {options.MaxResident}: it cannot be negative; 0 is no limit.");

        void Require(bool condition, string mistake)
        {
            if (!condition)
            {
                _mistakes.Add($"{user}: {mistake}");
            }
        }
    }
}
