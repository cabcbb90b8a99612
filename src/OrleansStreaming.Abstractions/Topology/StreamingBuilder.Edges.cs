using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <content>What reads and writes streams.</content>
public sealed partial class StreamingBuilder
{
    /// <summary>Declares an operator: one grain per key of what it reads.</summary>
    /// <typeparam name="TOperator">Derived from <see cref="OperatorGrain{TKey,TState}"/>; implements <see cref="IConsume{TEvent}"/> for every type it reads.</typeparam>
    /// <param name="from">What it reads. Several streams are merged into the internal stream <c>{operator}.inbox</c>.</param>
    /// <param name="to">What it may emit to.</param>
    /// <param name="name">Identifies its state in storage. Default: the name of the class.</param>
    /// <param name="configure">How it is hosted.</param>
    public StreamingBuilder AddOperator<TOperator>(
        StreamNames from, StreamNames? to = null, string? name = null, Action<OperatorOptions>? configure = null)
        where TOperator : OperatorGrain =>
        AddOperator(typeof(TOperator), from, to, name, configure);

    /// <inheritdoc cref="AddOperator{TOperator}"/>
    /// <param name="operatorType">Derived from <see cref="OperatorGrain{TKey,TState}"/>; implements <see cref="IConsume{TEvent}"/> for every type it reads.</param>
    /// <param name="from">What it reads. Several streams are merged into the internal stream <c>{operator}.inbox</c>.</param>
    /// <param name="to">What it may emit to.</param>
    /// <param name="name">Identifies its state in storage. Default: the name of the class.</param>
    /// <param name="configure">How it is hosted.</param>
    public StreamingBuilder AddOperator(
        Type operatorType, StreamNames from, StreamNames? to = null, string? name = null, Action<OperatorOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(operatorType);
        OperatorOptions options = new();
        configure?.Invoke(options);
        _operators.Add(new OperatorDeclaration(name ?? TypeNames.Plain(operatorType), operatorType, from, to ?? default, options));
        return this;
    }

    /// <summary>Declares a sink; every silo makes its own from its services.</summary>
    /// <typeparam name="TSink">Implements <see cref="ISink{TEvent}"/> for the type that the stream carries.</typeparam>
    /// <param name="from">A stream of one event type.</param>
    /// <param name="name">Identifies its position in storage. Default: <c>{from}.{class}</c>.</param>
    public StreamingBuilder AddSink<TSink>(string from, string? name = null)
        where TSink : class
    {
        ArgumentNullException.ThrowIfNull(from);
        _sinks.Add(Made<TSink>(name ?? $"{from}.{TypeNames.Plain(typeof(TSink))}", from));
        return this;
    }

    /// <summary>Declares a sink that a function makes, once per silo.</summary>
    /// <typeparam name="TEvent">The type that the stream carries.</typeparam>
    /// <param name="from">A stream of one event type.</param>
    /// <param name="factory">Makes the sink.</param>
    /// <param name="name">Identifies its position in storage. Default: <c>{from}.sink</c>.</param>
    public StreamingBuilder AddSink<TEvent>(string from, Func<IServiceProvider, ISink<TEvent>> factory, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(factory);
        _sinks.Add(new EdgeDeclaration(name ?? $"{from}.sink", from, null, typeof(TEvent), factory));
        return this;
    }

    /// <summary>Declares a source, made from the services of the silo that runs it.</summary>
    /// <typeparam name="TSource">Implements <see cref="ISource{TEvent}"/> for a type that the stream carries.</typeparam>
    /// <param name="to">The stream that it feeds.</param>
    /// <param name="name">Identifies its position in storage. Default: <c>{to}.{class}</c>.</param>
    public StreamingBuilder AddSource<TSource>(string to, string? name = null)
        where TSource : class
    {
        ArgumentNullException.ThrowIfNull(to);
        _sources.Add(Made<TSource>(name ?? $"{to}.{TypeNames.Plain(typeof(TSource))}", to));
        return this;
    }

    /// <summary>Declares a source that a function makes.</summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="to">The stream that it feeds.</param>
    /// <param name="factory">Makes the source.</param>
    /// <param name="name">Identifies its position in storage. Default: <c>{to}.source</c>.</param>
    public StreamingBuilder AddSource<TEvent>(string to, Func<IServiceProvider, ISource<TEvent>> factory, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(factory);
        _sources.Add(new EdgeDeclaration(name ?? $"{to}.source", to, null, typeof(TEvent), factory));
        return this;
    }

    private static EdgeDeclaration Made<T>(string name, string stream)
        where T : class =>
        new(name, stream, typeof(T), null, static provider => ActivatorUtilities.CreateInstance<T>(provider));
}
