namespace OrleansStreaming.Topologies;

/// <summary>Names of types, for messages and for the deployment.</summary>
internal static class TypeNames
{
    /// <summary>
    /// Namespace and name without the assembly: the name that is stored. <see cref="Type.FullName"/> would not do: for a
    /// generic type it contains the versions of the assemblies of its arguments.
    /// </summary>
    public static string Stored(Type type)
    {
        if (type.IsArray)
        {
            return Stored(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        }

        if (!type.IsGenericType)
        {
            return type.FullName ?? type.Name;
        }

        string definition = type.GetGenericTypeDefinition().FullName ?? type.Name;
        return $"{definition}<{string.Join(",", type.GetGenericArguments().Select(Stored))}>";
    }

    /// <summary>As people write it in C#, without namespaces.</summary>
    public static string Short(Type type) => type.IsGenericType
        ? $"{Plain(type)}<{string.Join(", ", type.GetGenericArguments().Select(Short))}>"
        : Plain(type);

    /// <summary>The name without type arguments: a default name for what the type makes.</summary>
    public static string Plain(Type type) =>
        type == typeof(string) ? "string"
        : type == typeof(long) ? "long"
        : type == typeof(int) ? "int"
        : type.Name.IndexOf('`') is > 0 and int tick ? type.Name[..tick] : type.Name;
}
