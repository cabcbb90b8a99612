using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace OrleansStreaming.Topologies;

/// <summary>
/// Finds types that System.Text.Json would write and then not read back. Left alone, they show only after a failure: as a
/// state that came back empty.
/// </summary>
internal static class JsonContract
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>What is wrong with a type or the types that it is made of.</summary>
    public static IReadOnlyList<string> Check(string owner, Type type, JsonSerializerOptions json)
    {
        List<string> mistakes = [];
        Check(owner, type, json, mistakes, []);
        return mistakes;
    }

    private static void Check(string owner, Type type, JsonSerializerOptions json, List<string> mistakes, HashSet<Type> seen)
    {
        if (!seen.Add(type))
        {
            return;
        }

        JsonTypeInfo info = json.GetTypeInfo(type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object:
                CheckObject(owner, info, json, mistakes, seen);
                break;
            case JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary when info.ElementType is { } element:
                Check(owner, element, json, mistakes, seen);
                break;
        }
    }

    private static void CheckObject(string owner, JsonTypeInfo info, JsonSerializerOptions json, List<string> mistakes, HashSet<Type> seen)
    {
        Type type = info.Type;
        string name = TypeNames.Short(type);
        if (info.CreateObject is null && info.PolymorphismOptions is null && info.ConstructorAttributeProvider is null)
        {
            mistakes.Add($"{owner}: JSON cannot make a {name}: give it a public constructor without parameters, mark one with [JsonConstructor], or use UseSerializer.");
            return;
        }

        bool ours = type.Namespace is not { } space || !(space + ".").StartsWith("System.", StringComparison.Ordinal);
        if (ours && info.Properties.Count == 0 && type.GetFields(Fields).Length > 0 && info.PolymorphismOptions is null)
        {
            mistakes.Add($"{owner}: JSON sees nothing of {name}: its members are not public. Make them public, mark them with [JsonInclude], or use UseSerializer.");
        }

        foreach (JsonPropertyInfo property in info.Properties.Where(p => p.Get is not null))
        {
            if (ours && IsLost(type, property))
            {
                mistakes.Add($"{owner}: JSON writes {name}.{MemberName(property)} and does not read it back: give it a public setter, mark it with [JsonInclude] or [JsonIgnore], or use UseSerializer.");
            }

            Check(owner, property.PropertyType, json, mistakes, seen);
        }

        foreach (JsonDerivedType derived in info.PolymorphismOptions?.DerivedTypes ?? [])
        {
            Check(owner, derived.DerivedType, json, mistakes, seen);
        }
    }

    // A property that is computed holds nothing; one with a field of its own does.
    private static bool IsLost(Type type, JsonPropertyInfo property)
    {
        if (property.Set is not null || property.AssociatedParameter is not null
            || property.ObjectCreationHandling == JsonObjectCreationHandling.Populate)
        {
            return false;
        }

        return property.AttributeProvider switch
        {
            FieldInfo => true,
            PropertyInfo p => (p.DeclaringType ?? type).GetField($"<{p.Name}>k__BackingField", Fields)?.IsDefined(typeof(CompilerGeneratedAttribute)) == true,
            _ => false,
        };
    }

    private static string MemberName(JsonPropertyInfo property) => (property.AttributeProvider as MemberInfo)?.Name ?? property.Name;
}
