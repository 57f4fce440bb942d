using System.Globalization;

namespace MlxGateway.Commands.Connecting;

/// <summary>OpenAI's own libraries. They repeat what was refused for a while by themselves; what they must be told is to wait longer.</summary>
internal static class Libraries
{
    private static readonly string Seconds = Connection.PatienceSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>For Python.</summary>
    public static ClientSettings Python(Connection c) => new()
    {
        Code = $$"""
            from openai import OpenAI

            client = OpenAI(base_url={{Connection.Quoted(c.V1)}}, api_key={{Connection.Quoted(c.Key)}}, timeout={{Seconds}}, max_retries=5)
            with client.chat.completions.create(model={{Connection.Quoted(c.Model)}}, messages=[{"role": "user", "content": "Hello"}], stream=True) as stream:
                for chunk in stream:
                    print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="", flush=True)
            """,
        Steps = ["Stream: a long answer that is not streamed may be cut off on its way. Close a stream that you leave early (with …): otherwise the model goes on."],
    };

    /// <summary>For Node, whose fetch gives up after five minutes of silence whatever the library was told; streams are never silent for so long.</summary>
    public static ClientSettings Node(Connection c) => new()
    {
        Code = $$"""
            import OpenAI from "openai";

            const client = new OpenAI({ baseURL: {{Connection.Quoted(c.V1)}}, apiKey: {{Connection.Quoted(c.Key)}}, timeout: {{Seconds}} * 1000, maxRetries: 5 });
            const stream = await client.chat.completions.create({ model: {{Connection.Quoted(c.Model)}}, messages: [{ role: "user", content: "Hello" }], stream: true });
            for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
            """,
        Steps = ["Stream: Node gives up after 300 s without a byte, whatever timeout is set here; a stream hears from the gateway every few seconds."],
    };

    /// <summary>For .NET.</summary>
    public static ClientSettings DotNet(Connection c) => new()
    {
        Code = $$"""
            using System.ClientModel;
            using OpenAI;
            using OpenAI.Chat;

            var options = new OpenAIClientOptions { Endpoint = new Uri({{Connection.Quoted(c.V1)}}), NetworkTimeout = TimeSpan.FromSeconds({{Seconds}}) };
            var client = new ChatClient({{Connection.Quoted(c.Model)}}, new ApiKeyCredential({{Connection.Quoted(c.Key)}}), options);
            await foreach (var update in client.CompleteChatStreamingAsync("Hello"))
            {
                foreach (var part in update.ContentUpdate)
                {
                    Console.Write(part.Text);
                }
            }
            """,
    };
}
