using System.Diagnostics;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Tests.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>Real processes that take memory in ways that are known. Limits are wide: a Python takes some 10 MB by itself.</summary>
public sealed class RealFootprintTests : IDisposable
{
    private readonly LinuxMemoryProbe _probe = new(new KernelFiles());
    private readonly string _folder = Directory.CreateTempSubdirectory("mlxgateway-footprints-").FullName;
    private Process? _child;

    public void Dispose()
    {
        _child?.Kill(entireProcessTree: true);
        _child?.WaitForExit(TimeSpan.FromSeconds(30));
        _child?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void ReadingsOf_ChildThatMapsAFile_TellsItFromItsOwnMemoryAndKeepsThePeak()
    {
        var file = Path.Combine(_folder, "weights");
        File.WriteAllBytes(file, new byte[64 << 20]);
        var child = Python(
            $"""
            import mmap, sys
            file = open({Quote(file)}, "rb")
            weights = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            sum(weights[i] for i in range(0, len(weights), 4096))
            print("mapped", flush=True)
            sys.stdin.readline()
            mine = bytearray(96 << 20)
            print("taken", flush=True)
            sys.stdin.readline()
            del mine
            print("given back", flush=True)
            sys.stdin.readline()
            """);

        var mapped = Look(child, "mapped");
        Assert.InRange(mapped.Mapped.Bytes >> 20, 64, 100);
        Assert.InRange(mapped.Private.Bytes >> 20, 1, 40);
        var taken = Look(child, "taken");
        Assert.InRange((taken.Private - mapped.Private).Bytes >> 20, 90, 110);
        var givenBack = Look(child, "given back");
        Assert.True(givenBack.Private < ByteSize.FromMegabytes(45), $"{givenBack}");
        Assert.True(givenBack.Peak >= taken.Taken - ByteSize.FromMegabytes(2), $"{givenBack} after {taken}");
        Assert.InRange((givenBack.Peak - givenBack.Taken).Bytes >> 20, 80, 115);
    }

    [Fact]
    public void ReadingsOf_ChildThatForks_CountsWhatTheyShareOnce()
    {
        var child = Python(
            """
            import os, signal, sys
            mine = bytearray(96 << 20)
            ready, tell = os.pipe()
            worker = os.fork()
            if worker == 0:
                own = bytearray(32 << 20)
                os.write(tell, b"x")
                signal.pause()
            os.read(ready, 1)
            print("forked", flush=True)
            sys.stdin.readline()
            os.kill(worker, signal.SIGKILL)
            """);

        var reading = Look(child, "forked");
        Assert.InRange(reading.Private.Bytes >> 20, 120, 165);
        Assert.InRange(reading.Peak.Bytes >> 20, 120, 195);
    }

    [Fact]
    public async Task ReadingsOf_RealLlamaServer_ItsWeightsAreMappedAndNotItsOwn()
    {
        var program = RealMlx.Need("MLXGATEWAY_TEST_LLAMA_SERVER");
        var generator = RealMlx.Need("MLXGATEWAY_TEST_TINY_MODEL");
        var model = Path.Combine(_folder, "tiny.gguf");
        using (var making = Process.Start(new ProcessStartInfo("python3", [generator, model, "--weights", "100MB"]) { RedirectStandardOutput = true })!)
        {
            await making.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await making.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, making.ExitCode);
        }

        _child = Process.Start(new ProcessStartInfo(program, ["-m", model, "--host", "127.0.0.1", "--port", "0"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _child.OutputDataReceived += static (_, _) => { };
        _child.BeginOutputReadLine();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (await _child.StandardError.ReadLineAsync(patience.Token) is { } line && !line.Contains("model loaded", StringComparison.Ordinal))
        {
        }

        Assert.False(_child.HasExited, "llama-server ended before it had loaded the model");
        var reading = _probe.ReadingsOf([_child.Id])[_child.Id];
        Assert.InRange(reading.Mapped.Bytes >> 20, 90, 180);
        Assert.InRange(reading.Private.Bytes >> 20, 2, 90);
        Assert.True(reading.Peak >= reading.Taken);
    }

    private static string Quote(string text) => $"\"{text}\"";

    private Process Python(string script)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux");
        try
        {
            return _child = Process.Start(new ProcessStartInfo("python3", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("needs python3");
            throw;
        }
    }

    // What the child takes once it says so; then it goes on.
    private FootprintReading Look(Process child, string said)
    {
        Assert.Equal(said, child.StandardOutput.ReadLine());
        var reading = _probe.ReadingsOf([child.Id])[child.Id];
        child.StandardInput.WriteLine();
        child.StandardInput.Flush();
        return reading;
    }
}
