using System.Collections.Concurrent;
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

    private object Create<T>() =>
        RuntimeHelpers.IsReferenceOrContainsReferences<T>()
            ? new JsonEventSerializer<T>(Json)
            : new BlittableSerializer<T>();
}
