using System.Diagnostics.CodeAnalysis;
using Azure;
using Azure.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>An answer that the service did not give.</summary>
internal sealed class FaultResponse(int status, string code) : Response
{
    public override int Status { get; } = status;

    public override string ReasonPhrase => code;

    /// <summary>Set by the transport otherwise; the client looks at it.</summary>
    public override bool IsError => true;

    public override Stream? ContentStream { get; set; } = new MemoryStream();

    public override string ClientRequestId { get; set; } = "none";

    public override void Dispose()
    {
    }

    protected override bool ContainsHeader(string name) => name == "x-ms-error-code";

    protected override IEnumerable<HttpHeader> EnumerateHeaders() => [new HttpHeader("x-ms-error-code", code)];

    protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
    {
        value = ContainsHeader(name) ? code : null;
        return value is not null;
    }

    protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
    {
        values = ContainsHeader(name) ? [code] : null;
        return values is not null;
    }
}
