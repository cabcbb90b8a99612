using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Text;

namespace OrleansStreaming;

/// <summary>
/// The memory layout of an unmanaged type: every field with its offset, down to the primitives, and the bytes that belong
/// to no field.
/// </summary>
internal sealed class BlittableLayout
{
    // Types whose layout the runtime will not change, named instead of described by their private fields.
    private static readonly HashSet<Type> Leaves =
    [
        typeof(bool), typeof(byte), typeof(sbyte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong),
        typeof(char), typeof(float), typeof(double), typeof(Half), typeof(Int128), typeof(UInt128), typeof(decimal),
        typeof(Guid), typeof(DateTime), typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly),
    ];

    private readonly StringBuilder _text = new("blittable:");
    private readonly bool[] _covered;

    private BlittableLayout(Type type)
    {
        int size = SizeOf(type);
        _covered = new bool[size];
        Describe(type, at: 0, path: type.Name);
        _text.Append(CultureInfo.InvariantCulture, $";{size}");
        Schema = _text.ToString();
        Padding = FindPadding(_covered);
    }

    /// <summary>Such as <c>blittable:{Count=Int32@0,Sum=Double@8};16</c>.</summary>
    public string Schema { get; }

    /// <summary>The ranges between the fields.</summary>
    public (int Start, int Length)[] Padding { get; }

    /// <summary>Describes a type.</summary>
    /// <exception cref="NotSupportedException">It contains a pointer, or is not unmanaged.</exception>
    public static BlittableLayout Of(Type type) => new(type);

    private void Describe(Type type, int at, string path)
    {
        if (type.IsEnum)
        {
            type = Enum.GetUnderlyingType(type);
        }

        if (type.IsPointer || type.IsFunctionPointer || type.IsByRef || type == typeof(nint) || type == typeof(nuint))
        {
            throw new NotSupportedException(
                $"{path} is a pointer or of pointer size ({type.Name}). Its value means nothing in another process: use an integer of a fixed size.");
        }

        if (!type.IsValueType)
        {
            throw new NotSupportedException($"{path} is a reference ({type.Name}) and has no fixed memory layout.");
        }

        if (Leaves.Contains(type))
        {
            _text.Append(type.Name);
            Array.Fill(_covered, true, at, SizeOf(type));
            return;
        }

        FieldInfo[] fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        (FieldInfo Field, int Offset)[] ordered = [.. fields.Select(f => (f, OffsetOf(type, f))).OrderBy(f => f.Item2).ThenBy(f => f.f.Name, StringComparer.Ordinal)];
        _text.Append('{');
        for (int i = 0; i < ordered.Length; i++)
        {
            (FieldInfo field, int offset) = ordered[i];
            _text.Append(i == 0 ? "" : ",").Append(NameOf(field)).Append('=');
            int count = ElementsOf(type, field);
            DescribeElements(type, field, count, at + offset, path);
            _text.Append(count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"*{count}"));
            _text.Append(CultureInfo.InvariantCulture, $"@{offset}");
        }

        _text.Append('}');
    }

    private void DescribeElements(Type type, FieldInfo field, int count, int at, string path)
    {
        int size = SizeOf(field.FieldType);
        int before = _text.Length;
        for (int i = 0; i < count; i++)
        {
            // Every element marks its bytes; one description is enough for all.
            _text.Length = before;
            Describe(field.FieldType, at + (i * size), $"{path}.{NameOf(field)}");
        }
    }

    // An inline array and a fixed buffer declare one field and repeat it up to the size of the type.
    private static int ElementsOf(Type type, FieldInfo field) =>
        type.IsDefined(typeof(InlineArrayAttribute), inherit: false) || type.IsDefined(typeof(UnsafeValueTypeAttribute), inherit: false)
            ? SizeOf(type) / SizeOf(field.FieldType)
            : 1;

    // A property's field is named after the property: whether a struct has fields or properties makes no difference.
    private static string NameOf(FieldInfo field) =>
        field.Name.StartsWith('<') && field.Name.IndexOf('>') is > 1 and int end ? field.Name[1..end] : field.Name;

    private static int SizeOf(Type type) => RuntimeHelpers.SizeOf(type.TypeHandle);

    // Marshal.OffsetOf gives the layout that native code would see, which is another one; so ask the runtime for the address.
    private static int OffsetOf(Type type, FieldInfo field)
    {
        DynamicMethod method = new("OffsetOf", typeof(int), null, typeof(BlittableLayout).Module, skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        LocalBuilder local = il.DeclareLocal(type);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ldloca, local);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Ret);
        return method.CreateDelegate<Func<int>>()();
    }

    private static (int Start, int Length)[] FindPadding(bool[] covered)
    {
        List<(int, int)> ranges = [];
        for (int i = 0; i < covered.Length; i++)
        {
            int start = i;
            while (i < covered.Length && !covered[i])
            {
                i++;
            }

            if (i > start)
            {
                ranges.Add((start, i - start));
            }
        }

        return [.. ranges];
    }
}
