using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Chatting;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>A chat in the terminal.</summary>
public sealed class RunTests
{
    private const string Answer =
        ": loading qwen 43 % eta 12 s\n\n"
        + "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"Hm\"}}]}\n\n"
        + "data: {\"choices\":[{\"delta\":{\"reasoning\":\" so.\"}}]}\n\n"
        + "data: {\"choices\":[{\"delta\":{\"content\":\"\\n\\nIt is\\u001b[2J \"}}]}\n\n"
        + "data: {\"choices\":[{\"delta\":{\"content\":\"blue.\"},\"finish_reason\":\"stop\"}]}\n\n"
        + "data: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n";

    [Fact]
    public async Task Answer_BeforeAPerson_ShowsTheWaitingTheThoughtsDimmedAndNoSteering()
    {
        await using var gateway = await Stranger.AnswerAsync(Answer, "text/event-stream");

        var told = await Cli.RunAsync(["run", "qwen", "Why?", "--url", gateway.Address], new Place { Width = 80, HasColour = true, Typed = "" });

        Assert.Equal(0, told.ExitCode);
        Assert.Equal("\e[2mHm so.\e[0m\n\nIt is\uFFFD[2J blue.\n", told.Out);
        Assert.Equal("\r\e[Kloading qwen 43 % eta 12 s\r\e[K", told.Error);
    }

    [Fact]
    public async Task Answer_WithoutColours_SaysWhatThoughtsAre()
    {
        await using var gateway = await Stranger.AnswerAsync(Answer, "text/event-stream");

        var told = await Cli.RunAsync(["run", "qwen", "Why?", "--url", gateway.Address], new Place { Width = 80, Typed = "" });

        Assert.Equal("Thinking: Hm so.\n\nIt is\uFFFD[2J blue.\n", told.Out);
    }

    [Fact]
    public async Task Answer_ForAScript_IsTheAnswerAlone()
    {
        await using var gateway = await Stranger.AnswerAsync(Answer, "text/event-stream");

        var told = await Cli.RunAsync("run", "qwen", "Why?", "--url", gateway.Address);

        Assert.Equal(new Told(0, "\n\nIt is\e[2J blue.\n", ""), told); // to the byte: it may be a file
    }

    [Fact]
    public async Task Prompt_IsTheWordsAndWhatIsPipedInBehindThem()
    {
        await using var gateway = await Stranger.AnswerAsync(Answer, "text/event-stream");

        await Cli.RunAsync(["run", "qwen", "Say", "more", "--system", "Be brief.", "--url", gateway.Address], new Place { Piped = "line one\nline two\n" });

        Assert.Equal("""{"model":"qwen","stream":true,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Say more\n\nline one\nline two"}]}""", Assert.Single(gateway.Bodies));
    }

    [Fact]
    public async Task Stream_ThatBreaksWithAnError_IsTheGatewaysSentenceAndExitCode1()
    {
        await using var gateway = await Stranger.AnswerAsync("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: {\"error\":{\"message\":\"The runner died.\",\"code\":\"runner_failed\"}}\n\n", "text/event-stream");

        Assert.Equal(new Told(1, "Half\n", "The runner died.\n"), await Cli.RunAsync("run", "qwen", "Why?", "--url", gateway.Address));
    }

    [Fact]
    public async Task Stream_ThatIsCutOff_IsNoAnswer()
    {
        await using var gateway = await Stranger.StartAsync(async (context, _) =>
        {
            await context.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });

        var told = await Cli.RunAsync("run", "qwen", "Why?", "--url", gateway.Address);

        Assert.Equal(69, told.ExitCode);
        Assert.Contains("broke before the answer was whole", told.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_WhereAQuestionIsRefused_GoesOnWithoutIt()
    {
        await using var gateway = await Stranger.StartAsync(async (context, body) =>
        {
            if (body.Contains("too long", StringComparison.Ordinal))
            {
                context.Response.StatusCode = 400;
                await context.Response.WriteAsync("""{"error":{"message":"It is too long."}}""");
                return;
            }

            await context.Response.WriteAsync(Answer);
        });

        var told = await Cli.RunAsync(["run", "qwen", "--url", gateway.Address], new Place { Width = 80, Typed = "first\ntoo long\n\"\"\"of several\nlines\"\"\"\n" });

        Assert.Equal(0, told.ExitCode);
        Assert.Contains("It is too long.", told.Error, StringComparison.Ordinal);
        Assert.Equal("""{"model":"qwen","stream":true,"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"It is\u001B[2J blue."},{"role":"user","content":"of several\nlines"}]}""", gateway.Bodies[^1]);
    }

    [Fact]
    public async Task CtrlC_DuringAnAnswer_EndsItAndTheSecondEndsTheProgram()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await Stranger.StartAsync(async (context, _) =>
        {
            await context.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"On and on\"}}]}\n\n");
            await context.Response.Body.FlushAsync();
            begun.TrySetResult();
            context.RequestAborted.Register(() => left.TrySetResult());
            await left.Task;
        });
        using var interrupts = new Interrupts();
        using var client = new GatewayClient(new Uri(gateway.Address), key: null);
        var output = new Ear();
        var (terminal, _, _) = new Place { Output = output }.Make();
        var chat = new Conversation("qwen", instructions: null);
        chat.Ask("Why?");
        var writing = new AnswerWriter(terminal, client, interrupts).WriteAsync(chat);
        await begun.Task;
        await output.Heard;

        Assert.True(interrupts.Interrupt());
        Assert.False(interrupts.Interrupt()); // this one is the system's

        Assert.Null(await writing);
        Assert.Equal("On and on\n", output.ToString());
        await left.Task; // so the model's generation ends too
        Assert.False(interrupts.Interrupt()); // between answers it ends the program
    }

    // A writer that tells when something is written. Whoever looks at another while it is written may find it half changed.
    private sealed class Ear : StringWriter
    {
        private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Heard => _heard.Task;

        public override void Write(string? value)
        {
            base.Write(value);
            _heard.TrySetResult();
        }
    }

    [Fact]
    public async Task CtrlC_OfAPerson_EndsARealProgramWith130()
    {
        await using var gateway = await Gateway.StartAsync("\"endless\":{\"Runner\":\"demo\",\"Args\":[\"--endless\",\"--token-delay\",\"0.01\"]}");
        var folder = Directory.CreateTempSubdirectory("mlxgateway-cli-");
        using var process = Cli.Start(["run", "endless", "Hello", "--url", gateway.Address.ToString()], folder.FullName);
        process.StandardInput.Close();
        var letters = new char[5];
        await process.StandardOutput.ReadBlockAsync(letters, TestContext.Current.CancellationToken);

        using var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("Hello", new string(letters));
        Assert.Equal(130, process.ExitCode);
        await gateway.UntilRunningAsync(models => models.All(m => m.Leases == 0));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Pull_ShowsHowFarItIsAndItsErrors()
    {
        await using var gateway = await Stranger.AnswerAsync(
            """
            {"status":"pulling","model":"org/name","total":2254857830,"completed":969588867,"rate_bytes_per_second":12582912,"eta_seconds":102,"file":"model.safetensors"}
            {"status":"success"}
            """, "application/x-ndjson");
        var told = await Cli.RunAsync(["pull", "org/name", "--url", gateway.Address], new Place { Width = 100 });
        Assert.Equal(new Told(0, "org/name is here.\n", "\r\e[Kpulling org/name 43 % of 2.10 GB, 12.00 MB/s, 102 s to go\r\e[K"), told with { Error = told.Error.Replace("\r\e[K\r\e[K", "\r\e[K", StringComparison.Ordinal) });
        Assert.Equal("""{"model":"org/name","stream":true}""", Assert.Single(gateway.Bodies));

        await using var full = await Stranger.AnswerAsync("{\"status\":\"pulling\"}\n{\"error\":{\"message\":\"The disk is full.\"}}\n", "application/x-ndjson");
        Assert.Equal(new Told(1, "", "The disk is full.\n"), await Cli.RunAsync("pull", "org/name", "--url", full.Address));

        await using var gone = await Stranger.AnswerAsync("{\"status\":\"pulling\"}\n", "application/x-ndjson");
        Assert.Equal(69, (await Cli.RunAsync("pull", "org/name", "--url", gone.Address)).ExitCode);
    }
}
