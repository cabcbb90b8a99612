using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansStreaming;

/// <summary>
/// Finds the serialiser of a type: one that was registered; else the memory layout for unmanaged types; else JSON.
/// </summary>
internal sealed class SerializerRegistry(JsonSerializerOptions json)
{
    private readonly ConcurrentDictionary<Type, object> _serializers = new();

    public JsonSerializerOptions Json { get; } = json;

    public void Register<T>(IEventSerializer<T> serializer) => _serializers[typeof(T)] = serializer;

    public IEventSerializer<T> Get<T>() => (IEventSerializer<T>)_serializers.GetOrAdd(typeof(T), static (_, registry) => registry.Create<T>(), this);

    /// <summary>What the deployment stores about a type that is known only at run time.</summary>
    /// <exception cref="NotSupportedException">The type cannot be serialised.</exception>
    public SerializerInfo Describe(Type type)
    {
        MethodInfo method = typeof(SerializerRegistry).GetMethod(nameof(DescribeOf), BindingFlags.Instance | BindingFlags.NonPublic)!;
        return (SerializerInfo)method.MakeGenericMethod(type).Invoke(this, BindingFlags.DoNotWrapExceptions, null, null, null)!;
    }

    private SerializerInfo DescribeOf<T>()
    {
        IEventSerializer<T> serializer = Get<T>();
        return new SerializerInfo(serializer.Schema, stored => stored == serializer.Schema || serializer.CanRead(stored), serializer is IJsonSchema);
    }

    private object Create<T>() =>
        RuntimeHelpers.IsReferenceOrContainsReferences<T>()
            ? new JsonEventSerializer<T>(Json)
            : new BlittableSerializer<T>();
}

/// <summary>A serialiser without its type.</summary>
/// <param name="Schema">See <see cref="IEventSerializer{T}.Schema"/>.</param>
/// <param name="CanRead">Whether values of a stored schema can be read.</param>
/// <param name="IsJson">Whether it relies on JSON metadata.</param>
internal sealed record SerializerInfo(string Schema, Func<string, bool> CanRead, bool IsJson);
