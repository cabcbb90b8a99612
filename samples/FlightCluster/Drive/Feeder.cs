using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace FlightCluster.Drive;

/// <summary>
/// Sends all flights over HTTP, to one silo after the other. A request that fails is repeated, at another silo, with the same
/// producer and sequence: no flight is stored twice, whatever became of the first try.
/// </summary>
internal sealed class Feeder(Cluster cluster, IReadOnlyList<Flight> flights, int rate, Course course)
{
    private const int Producers = 6; // Each has one request on its way.
    private const int FlightsPerRequest = 100;
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryLimit = TimeSpan.FromMinutes(2);
    private static readonly MediaTypeHeaderValue Lines = new("application/x-ndjson");
    private int _durable;
    private int _repeated;
    private long _longestMs;

    /// <summary>Flights that silos have confirmed.</summary>
    public int Durable => Volatile.Read(ref _durable);

    /// <summary>Requests that were sent again.</summary>
    public int Repeated => Volatile.Read(ref _repeated);

    /// <summary>The longest that a request took until it was durable, with all that had to be sent again.</summary>
    public TimeSpan Longest => TimeSpan.FromMilliseconds(Interlocked.Read(ref _longestMs));

    /// <summary>Sends everything; returns when all is durable.</summary>
    /// <exception cref="UserException">A silo refuses what is right, or none answers.</exception>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        return Task.WhenAll(Enumerable.Range(0, Producers).Select(p => FeedAsync(p, start, cancellationToken)));
    }

    private async Task FeedAsync(int producer, long start, CancellationToken cancellationToken)
    {
        long sequence = 0;
        for (int request = producer; request * FlightsPerRequest < flights.Count; request += Producers)
        {
            int first = request * FlightsPerRequest;
            TimeSpan due = rate == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)first / rate);
            if (due - Stopwatch.GetElapsedTime(start) is var early && early > TimeSpan.Zero)
            {
                await Task.Delay(early, cancellationToken);
            }

            await course.PassAsync(first, cancellationToken);
            int count = Math.Min(FlightsPerRequest, flights.Count - first);
            await SendAsync(Body(first, count), string.Create(CultureInfo.InvariantCulture, $"feeder-{producer}"), ++sequence, request, cancellationToken);
            Interlocked.Add(ref _durable, count);
        }
    }

    private byte[] Body(int first, int count)
    {
        using var body = new MemoryStream();
        for (int i = first; i < first + count; i++)
        {
            JsonSerializer.Serialize(body, flights[i], FlightJson.Default.Flight);
            body.WriteByte((byte)'\n');
        }

        return body.ToArray();
    }

    private async Task SendAsync(byte[] body, string producer, long sequence, int place, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        for (int tries = 0; ; tries++)
        {
            Uri silo = cluster.Urls[(place + tries) % cluster.Urls.Count];
            string trouble;
            try
            {
                using HttpResponseMessage answer = await PostAsync(silo, body, producer, sequence, cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    Took((long)Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    return;
                }

                trouble = $"{silo} answers {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}";
                if (answer.StatusCode is not (HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError))
                {
                    throw new UserException(trouble);
                }
            }
            catch (HttpRequestException e)
            {
                trouble = $"{silo}: {e.Message}"; // It is dead, or has died meanwhile.
            }

            if (Stopwatch.GetElapsedTime(start) > RetryLimit)
            {
                throw new UserException($"Flights could not be stored for {RetryLimit.TotalMinutes:0} minutes. {trouble}");
            }

            Interlocked.Increment(ref _repeated);
            await Task.Delay(Retry, cancellationToken);
        }
    }

    private void Took(long ms)
    {
        long longest;
        while (ms > (longest = Interlocked.Read(ref _longestMs)) && Interlocked.CompareExchange(ref _longestMs, ms, longest) != longest)
        {
            // Another request was longer meanwhile, or not.
        }
    }

    private async Task<HttpResponseMessage> PostAsync(Uri silo, byte[] body, string producer, long sequence, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(silo, "/streams/flights/events"))
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = Lines } },
        };
        request.Headers.Add("Producer-Id", producer);
        request.Headers.Add("Producer-Sequence", sequence.ToString(CultureInfo.InvariantCulture));
        return await cluster.Http.SendAsync(request, cancellationToken);
    }
}
