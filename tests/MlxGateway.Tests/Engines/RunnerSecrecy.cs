using System.Net;
using System.Text;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>That a real engine serves its gateway only: it asks everybody else for a secret, which is in no command line, log or answer, and no page may read what it says.</summary>
internal static class RunnerSecrecy
{
    /// <summary>Asks the engine of a model as a program beside the gateway would, and as a page would.</summary>
    /// <param name="gateway">The gateway.</param>
    /// <param name="model">A model that it can serve.</param>
    /// <param name="variable">The variable by which the engine was told; null: it was told in another way, which cannot be looked at.</param>
    public static async Task HoldsAsync(Gateway gateway, string model, string? variable)
    {
        Assert.Equal(200, (await gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody(model), ("Authorization", "Bearer of-the-client"))).Status);
        var runner = Assert.Single(await gateway.RunningAsync(), m => m.Model == model);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{runner.Port}") };
        foreach (var authorization in new[] { null, "Bearer of-the-client", "Bearer " })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Gateway.ChatBody(model), Encoding.UTF8, "application/json") };
            request.Headers.TryAddWithoutValidation("Origin", "https://evil.example");
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var response = await client.SendAsync(request, Demo.Patience());

            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.False(response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins) && origins.Any(o => o is "*" or "https://evil.example"), $"{response.Headers}");
        }

        if (variable is not null && OperatingSystem.IsLinux())
        {
            string[] environment = (await File.ReadAllTextAsync($"/proc/{runner.Pid}/environ", Demo.Patience())).Split('\0');
            var secret = Assert.Single(environment, v => v.StartsWith($"{variable}=", StringComparison.Ordinal))[(variable.Length + 1)..];
            Assert.DoesNotContain(secret, await File.ReadAllTextAsync($"/proc/{runner.Pid}/cmdline", Demo.Patience()), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, gateway.Output, StringComparison.Ordinal);
            foreach (var path in new[] { "/running", "/api/explain", $"/v1/models/{model}" })
            {
                Assert.DoesNotContain(secret, (await gateway.GetAsync(path)).Text, StringComparison.Ordinal);
            }
        }
    }
}
