using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace OrleansStreaming.AspNetCore.Tests;

public sealed class HostingTests
{
    [Fact]
    public async Task Authorisation_covers_everything_and_health_can_be_left_open()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"],
            s => s.AddOrders(),
            build: b =>
            {
                b.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("test", null);
                b.Services.AddAuthorization();
            },
            map: a =>
            {
                a.MapStreaming().RequireAuthorization();
                a.MapStreamingHealth().AllowAnonymous();
            });
        string[] paths = ["/topology", "/silos", "/recovery", "/operators/Customers/x"];
        foreach (string path in paths)
        {
            (await app.Http.GetAsync(path, WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, path);
        }

        (await app.PostOrdersAsync([new Order("x", 1)])).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await app.GetAsync("/health/live");
        await app.GetAsync("/health/ready");
        app.Http.DefaultRequestHeaders.Add("Let-Me", "in");
        (await app.AcceptedAsync(app.PostOrdersAsync([new Order("x", 1)]))).ShouldBe((1, 0));
        foreach (string path in paths)
        {
            await app.GetAsync(path);
        }
    }

    [Fact]
    public async Task Health_belongs_to_the_group()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"],
            s => s.AddOrders(),
            build: b =>
            {
                b.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("test", null);
                b.Services.AddAuthorization();
            },
            map: a => a.MapStreaming().RequireAuthorization());
        (await app.Http.GetAsync("/health/live", WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await app.Http.GetAsync("/health/ready", WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_application_that_says_nothing_of_addresses_listens_on_loopback_only()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(k => k is "ASPNETCORE_URLS" or "DOTNET_URLS" or "URLS" or "ASPNETCORE_HTTP_PORTS" or "DOTNET_HTTP_PORTS" or "HTTP_PORTS"), "The environment says where to listen.");
        using var folder = new TestFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test", ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.AddStreaming(s => s.UseFiles(folder["data"]).AddOrders());
        await using WebApplication app = builder.Build();
        app.MapStreaming();
        try
        {
            await app.StartAsync(WebApp.Cancel);
        }
        catch (IOException e)
        {
            // Something else has the port; the message says which address was wanted.
            e.Message.ShouldMatch(@"http://(127\.0\.0\.1|\[::1\]|localhost):5000");
            return;
        }

        app.Urls.ShouldNotBeEmpty();
        app.Urls.ShouldAllBe(u => new Uri(u).IsLoopback);
        await app.StopAsync(WebApp.Cancel);
    }

    [Fact]
    public void Mapping_without_an_engine_says_what_to_do()
    {
        WebApplication app = WebApplication.CreateBuilder().Build();
        Should.Throw<InvalidOperationException>(() => app.MapStreaming()).Message.ShouldContain("AddStreaming");
    }

    [Fact]
    public async Task A_topology_with_mistakes_does_not_start()
    {
        using var folder = new TestFolder();
        await Should.ThrowAsync<TopologyException>(() => WebApp.StartAsync(folder["data"], s => s.AddOperator<Customers>(from: "nothing")));
    }

    [Fact]
    public async Task Options_come_from_configuration_and_are_checked()
    {
        using var folder = new TestFolder();
        await using (WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), build: b => b.Configuration["Streaming:Silos"] = "2"))
        {
            (await app.Engine.GetSilosAsync()).Count.ShouldBe(2);
        }

        OptionsValidationException e = await Should.ThrowAsync<OptionsValidationException>(
            () => WebApp.StartAsync(folder["data"], s => s.AddOrders(), build: b => b.Configuration["Streaming:Silos"] = "0"));
        e.Message.ShouldContain("Silos");
    }

    [Fact]
    public async Task A_folder_serves_one_application_at_a_time()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders());
        await Should.ThrowAsync<Core.StorageException>(() => WebApp.StartAsync(folder["data"], s => s.AddOrders()));
    }

    private sealed class HeaderAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Request.Headers.ContainsKey("Let-Me")
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity("test")), Scheme.Name))
                : AuthenticateResult.NoResult());
    }
}
