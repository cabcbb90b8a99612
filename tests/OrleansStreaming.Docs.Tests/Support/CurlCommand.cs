using System.Net.Http.Headers;
using System.Text;

namespace OrleansStreaming.Docs.Tests;

/// <summary>A curl command of the documentation, as a request to another host.</summary>
internal sealed record CurlCommand(string Where, HttpMethod Method, string PathAndQuery, IReadOnlyList<(string Name, string Value)> Headers, string? Body, int? Status)
{
    private const string Host = "http://localhost:5000";

    /// <summary>Reads a command; options that it does not know fail the test.</summary>
    public static CurlCommand Parse(string where, string command)
    {
        List<string> words = ShellWords.Split(command, out string? comment);
        HttpMethod? method = null;
        var headers = new List<(string, string)>();
        string? url = null, body = null;
        for (int i = 1; i < words.Count; i++)
        {
            switch (words[i])
            {
                case "-X":
                    method = new HttpMethod(words[++i]);
                    break;
                case "-H":
                    string[] header = words[++i].Split(": ", 2);
                    headers.Add((header[0], header[1]));
                    break;
                case "-d" or "--data-binary":
                    body = words[++i];
                    break;
                case "-i":
                    break;
                default:
                    words[i].ShouldStartWith(Host, Case.Sensitive, $"{where}: not an option that this test knows, nor an address");
                    url.ShouldBeNull(where);
                    url = words[i][Host.Length..];
                    break;
            }
        }

        url.ShouldNotBeNull(where);
        int? status = int.TryParse(comment, out int code) ? code : null;
        return new CurlCommand(where, method ?? (body is null ? HttpMethod.Get : HttpMethod.Post), url, headers, body, status);
    }

    /// <summary>Sends it and checks the status: the one in the command's comment, or success.</summary>
    public async Task<string> RunAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(Method, PathAndQuery);
        if (Body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        }

        foreach ((string name, string value) in Headers)
        {
            if (name == "Content-Type")
            {
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using HttpResponseMessage response = await client.SendAsync(request, cancellationToken);
        string reply = await response.Content.ReadAsStringAsync(cancellationToken);
        (Status is { } expected ? (int)response.StatusCode == expected : response.IsSuccessStatusCode)
            .ShouldBeTrue($"{Where}: {Method} {PathAndQuery} answered {(int)response.StatusCode}: {reply}");
        return reply;
    }
}

/// <summary>Splits a command line as bash does, as far as the documentation needs it.</summary>
internal static class ShellWords
{
    public static List<string> Split(string line, out string? comment)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool any = false;
        comment = null;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (c is '\'' or '"' || (c == '$' && i + 1 < line.Length && line[i + 1] == '\''))
            {
                bool escapes = c == '$';
                char quote = escapes ? '\'' : c;
                int end = line.IndexOf(quote, i + (escapes ? 2 : 1));
                end.ShouldBeGreaterThan(0, $"a quote is not closed: {line}");
                string quoted = line[(i + (escapes ? 2 : 1))..end];
                word.Append(escapes ? quoted.Replace("\\n", "\n") : quoted);
                any = true;
                i = end;
            }
            else if (c == '#' && !any && word.Length == 0)
            {
                comment = line[(i + 1)..].Trim();
                break;
            }
            else if (c == ' ')
            {
                Add();
            }
            else
            {
                word.Append(c);
            }
        }

        Add();
        return words;

        void Add()
        {
            if (any || word.Length > 0)
            {
                words.Add(word.ToString());
            }

            word.Clear();
            any = false;
        }
    }
}
