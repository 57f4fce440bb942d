using System.Text;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Chatting;

/// <summary>Asks for an answer and writes it while it comes: what the gateway says while it waits in a line that vanishes, thoughts dimmed and only where a person reads, the answer itself as it is.</summary>
internal sealed class AnswerWriter(Terminal terminal, GatewayClient gateway, Interrupts interrupts)
{
    private const string DimOn = "\e[2m";
    private const string DimOff = "\e[0m";

    private readonly StatusLine _status = new(terminal);
    private readonly StringBuilder _answer = new();
    private bool _isThinking;
    private bool _hasThought;

    /// <summary>Writes the answer to the last question.</summary>
    /// <returns>The answer; null: it was interrupted.</returns>
    /// <exception cref="CommandFailure">There is none, or not all of it.</exception>
    public async Task<string?> WriteAsync(Conversation chat)
    {
        (_isThinking, _hasThought) = (false, false);
        _answer.Clear();
        var wanted = interrupts.Begin();
        try
        {
            using var stream = await gateway.OpenAsync(HttpMethod.Post, "/v1/chat/completions", chat.Body(isStreamed: true), wanted);
            await foreach (var line in gateway.LinesAsync(stream, wanted))
            {
                if (line.StartsWith(": ", StringComparison.Ordinal))
                {
                    _status.Show(line[2..]);
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal) && line != "data: [DONE]")
                {
                    Take(line["data: ".Length..]);
                }
            }

            return _answer.ToString();
        }
        catch (OperationCanceledException) when (wanted.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            interrupts.End();
            _status.Clear();
            EndThought();
            if (_answer.Length > 0 && (terminal.IsTerminal || _answer[^1] != '\n'))
            {
                terminal.Out.WriteLine();
            }

            await terminal.Out.FlushAsync(CancellationToken.None);
        }
    }

    private void Take(string data)
    {
        var json = new GatewayReply(data).Json;
        if (json.At("error") is not null)
        {
            throw new CommandFailure(Exits.Refused, GatewayClient.Refusal(data, 200));
        }

        foreach (var delta in json.Entries("choices").Select(static choice => choice.At("delta")).OfType<JsonElement>())
        {
            Think(delta.Text("reasoning_content") ?? delta.Text("reasoning"));
            Say(delta.Text("content"));
        }
    }

    private void Think(string? thought)
    {
        if (string.IsNullOrEmpty(thought) || !terminal.IsTerminal)
        {
            return;
        }

        _status.Clear();
        if (!_isThinking)
        {
            (_isThinking, _hasThought) = (true, true);
            terminal.Out.Write(terminal.HasColour ? DimOn : "Thinking: ");
        }

        terminal.Out.Write(Terminal.Clean(thought));
        terminal.Out.Flush();
    }

    private void Say(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return;
        }

        _status.Clear();
        EndThought();
        if (_answer.Length == 0 && _hasThought)
        {
            text = text.TrimStart('\n'); // there is an empty line already
        }

        _answer.Append(text);
        terminal.Out.Write(terminal.IsTerminal ? Terminal.Clean(text) : text);
        terminal.Out.Flush();
    }

    private void EndThought()
    {
        if (_isThinking)
        {
            _isThinking = false;
            terminal.Out.Write((terminal.HasColour ? DimOff : "") + Environment.NewLine + Environment.NewLine);
        }
    }
}
