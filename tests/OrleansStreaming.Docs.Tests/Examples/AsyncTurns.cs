using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansStreaming.Docs.Tests.Examples.AsyncTurns;

#region taxes
public sealed class TaxRates
{
    private readonly Dictionary<string, decimal> _rates = new() { ["DE"] = 0.19m, ["CH"] = 0.081m };

    public async ValueTask<decimal> GetAsync(string country, CancellationToken cancellationToken)
    {
        await Task.Delay(1, cancellationToken); // Slow, but always the same answer for the same country.
        return _rates[country];
    }
}

public sealed record Purchase(string Country, decimal Net);

public struct Owed
{
    public decimal Tax;
}

public sealed class Taxes(TaxRates rates) : OperatorGrain<Owed>, IConsume<Purchase>
{
    public async ValueTask OnEvent(Purchase purchase, EventContext context)
    {
        decimal rate = await rates.GetAsync(Key, context.CancellationToken);
        State.Tax += purchase.Net * rate;
    }
}
#endregion

internal static class Topology
{
    public static void AddTaxes(WebApplicationBuilder builder, string folder)
    {
        #region register
        builder.Services.AddSingleton<TaxRates>();
        builder.AddStreaming(streaming => streaming
            .UseFiles(folder)
            .AddStream<Purchase>("purchases", keyedBy: p => p.Country)
            .AddOperator<Taxes>(from: "purchases"));
        #endregion
    }
}
