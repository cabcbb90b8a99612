using System.Security.Cryptography;
using System.Text;

namespace OrleansStreaming.Clustering;

/// <summary>Names of records made of parts that others choose: different parts never give the same name.</summary>
internal static class RecordNames
{
    /// <summary>The longest name that storage takes, in bytes.</summary>
    private const int MaxLength = 200;

    /// <summary>
    /// The full name: the parts, with <c>/</c> between them. Of their bytes letters, digits, <c>-</c>, <c>_</c> and <c>.</c>
    /// stay, every other is <c>%XX</c>. It may be longer than storage takes.
    /// </summary>
    public static string Join(string prefix, params ReadOnlySpan<byte[]> parts)
    {
        var name = new StringBuilder(prefix);
        foreach (byte[] part in parts)
        {
            name.Append('/');
            foreach (byte b in part)
            {
                if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.')
                {
                    name.Append((char)b);
                }
                else
                {
                    name.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
                }
            }
        }

        return name.ToString();
    }

    /// <summary>The name in storage: the full name, or when it is too long its SHA-256 behind <c>~</c>, which no full name has.</summary>
    public static string Stored(string prefix, string fullName) => fullName.Length <= MaxLength
        ? fullName
        : $"{prefix}/~{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(fullName)))}";
}
