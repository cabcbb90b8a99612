using System.Globalization;
using System.Text;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The identity of an operator's grain in Orleans: <c>streaming.operator/{operator}/{key}</c>, or
/// <c>streaming.operator/{operator}#{number}</c> for those that keys share.
/// </summary>
internal static class GrainIdentity
{
    /// <summary>The type of all of them.</summary>
    public const string Type = "streaming.operator";

    /// <summary>
    /// The key of the grain, from the operator's name, which has no slash, and the key as text. What is not printable, and
    /// the percent sign, is written as <c>%</c> and its code, so that two keys never look the same in a log.
    /// </summary>
    public static string Of(string @operator, string key)
    {
        int i = 0;
        while (i < key.Length && !NeedsEscape(key[i]))
        {
            i++;
        }

        if (i == key.Length)
        {
            return $"{@operator}/{key}";
        }

        StringBuilder escaped = new StringBuilder(@operator).Append('/').Append(key, 0, i);
        for (; i < key.Length; i++)
        {
            if (NeedsEscape(key[i]))
            {
                escaped.Append(CultureInfo.InvariantCulture, $"%{(int)key[i]:X4}");
            }
            else
            {
                escaped.Append(key[i]);
            }
        }

        return escaped.ToString();
    }

    /// <summary>The key of an activation that keys of an operator share. It has no slash, so that it is nobody's own.</summary>
    public static string Shared(string @operator, int number) => string.Create(CultureInfo.InvariantCulture, $"{@operator}#{number}");

    private static bool NeedsEscape(char c) => c == '%' || char.IsControl(c) || (char.IsWhiteSpace(c) && c != ' ') || char.IsSurrogate(c);
}
