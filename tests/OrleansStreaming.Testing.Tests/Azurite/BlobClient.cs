using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace OrleansStreaming.Testing.Tests.Azurite;

/// <summary>As much of the protocol of blobs as these tests need, signed with the key of a connection string.</summary>
internal sealed class BlobClient(AzuriteServer server) : IDisposable
{
    private readonly HttpClient _http = new();
    private readonly Dictionary<string, string> _settings = server.ConnectionString.Split(';', StringSplitOptions.RemoveEmptyEntries)
        .Select(s => s.Split('=', 2)).ToDictionary(s => s[0], s => s[1], StringComparer.Ordinal);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public Task CreateContainerAsync(string name) => SendAsync(HttpMethod.Put, name, "restype=container");

    public Task CreateBlobAsync(string path) => SendAsync(HttpMethod.Put, path, headers: ("x-ms-blob-type", "AppendBlob"));

    public Task AppendAsync(string path, string text) => SendAsync(HttpMethod.Put, path, "comp=appendblock", Encoding.UTF8.GetBytes(text));

    public Task<string> ReadAsync(string path) => SendAsync(HttpMethod.Get, path);

    public void Dispose() => _http.Dispose();

    private async Task<string> SendAsync(HttpMethod method, string path, string query = "", byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, $"{_settings["BlobEndpoint"]}/{path}?{query}");
        request.Content = method == HttpMethod.Get ? null : new ByteArrayContent(body ?? []);
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)[.. headers, ("x-ms-date", DateTime.UtcNow.ToString("R", CultureInfo.InvariantCulture)), ("x-ms-version", "2021-12-02")])
        {
            request.Headers.Add(name, value);
        }

        string length = body is { Length: > 0 } ? body.Length.ToString(CultureInfo.InvariantCulture) : "";
        string signed = string.Concat(request.Headers.Where(h => h.Key.StartsWith("x-ms-", StringComparison.Ordinal))
            .OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}:{h.Value.Single()}\n"));
        string resource = $"/{_settings["AccountName"]}{request.RequestUri!.AbsolutePath}{(query.Length == 0 ? "" : "\n" + query.Replace('=', ':'))}";
        string toSign = $"{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{signed}{resource}";
        string signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(_settings["AccountKey"]), Encoding.UTF8.GetBytes(toSign)));
        request.Headers.Add("Authorization", $"SharedKey {_settings["AccountName"]}:{signature}");
        using HttpResponseMessage answer = await _http.SendAsync(request, Cancel);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        answer.StatusCode.ShouldBeOneOf([HttpStatusCode.OK, HttpStatusCode.Created], text);
        return text;
    }
}
