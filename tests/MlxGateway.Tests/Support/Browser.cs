using System.Diagnostics;
using Xunit;

namespace MlxGateway.Tests.Support;

/// <summary>A real browser without a window, which takes every name under <c>.example</c> for this machine: a foreign page is then as near as a browser ever lets one come.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Places =
    [
        Environment.GetEnvironmentVariable("MLXGATEWAY_TEST_CHROMIUM") ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];

    private readonly Process _process;
    private readonly DirectoryInfo _profile;

    private Browser(Process process, DirectoryInfo profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Opens a page. Skips the test where there is no browser.</summary>
    public static Browser Open(Uri page)
    {
        var program = Array.Find(Places, File.Exists);
        Assert.SkipUnless(program is not null, "Needs a browser: install chromium (apt-get install chromium), or set MLXGATEWAY_TEST_CHROMIUM to the path of one.");
        var profile = Directory.CreateTempSubdirectory("mlxgateway-browser-");
        var start = new ProcessStartInfo(program!)
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
            ArgumentList =
            {
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
                $"--user-data-dir={profile.FullName}", "--host-resolver-rules=MAP *.example 127.0.0.1", page.AbsoluteUri,
            },
        };
        start.ArgumentList.Insert(start.ArgumentList.Count - 1, "--remote-debugging-port=0"); // or it shows the page to nobody and ends
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return new Browser(process, profile);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // One of its processes was still writing.
        }
    }
}
