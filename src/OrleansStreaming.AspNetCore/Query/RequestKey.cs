using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansStreaming.AspNetCore;

/// <summary>The key in the path of a request, or in its query: paths cannot have every key, such as <c>..</c>.</summary>
internal static class RequestKey
{
    /// <summary>
    /// Servers unescape a path but for %2F, so that there the text %2F could be a slash or just that text. The target as it
    /// was sent tells them apart.
    /// </summary>
    public static string Read(HttpContext http)
    {
        string routed = http.Request.RouteValues["key"] as string ?? string.Empty;
        if (routed.Length == 0)
        {
            return http.Request.Query["key"].ToString();
        }

        if (!routed.Contains('%'))
        {
            return routed;
        }

        string simple = WithSlashes(routed);
        string target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? string.Empty;
        int query = target.IndexOf('?');
        string path = query < 0 ? target : target[..query];
        int start = path.Length;
        for (int segments = routed.Count(c => c == '/') + 1; segments > 0 && start > 0; segments--)
        {
            start = path.LastIndexOf('/', start - 1);
        }

        // Middleware may have rewritten the path; then what was sent is not what is asked for.
        string sent = start < 0 ? string.Empty : Uri.UnescapeDataString(path[(start + 1)..]);
        return WithSlashes(sent) == simple ? sent : simple;
    }

    private static string WithSlashes(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
}
