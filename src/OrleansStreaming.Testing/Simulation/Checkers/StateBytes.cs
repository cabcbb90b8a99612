using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Compares and shows encoded values.</summary>
internal static class StateBytes
{
    /// <summary>
    /// Equal bytes, or equal JSON but for the order of properties: a dictionary that was read back may list its entries in
    /// another order than the one that it was written from.
    /// </summary>
    public static bool Same(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        if (one.SequenceEqual(other))
        {
            return true;
        }

        if (one.IsEmpty || other.IsEmpty || one[0] != '{' || other[0] != '{')
        {
            return false;
        }

        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(one), JsonNode.Parse(other));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public static string Text(ReadOnlySpan<byte> bytes)
    {
        bool text = bytes.Length > 0;
        foreach (byte b in bytes)
        {
            text &= b is >= 32 and < 127;
        }

        string all = text ? Encoding.ASCII.GetString(bytes) : Convert.ToHexString(bytes);
        return all.Length > 200 ? all[..200] + "..." : all;
    }
}
