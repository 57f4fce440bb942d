using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.ToolCalls;

/// <summary>Tells models of their tools in words whose engine and chat template do not, and remembers the tools of a request for its answer.</summary>
internal sealed class ToolPrompting(RunnerKinds kinds) : IRequestShaper
{
    private static readonly RequestRules WithoutTools = new(
    [
        new("tools", FieldShape.Any) { IsDropped = true },
        new("tool_choice", FieldShape.Any) { IsDropped = true },
        new("parallel_tool_calls", FieldShape.Any) { IsDropped = true },
    ]);

    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        if (exchange is { Route.Shape: StreamShape.Chat, Request: JsonRequest request })
        {
            var manners = kinds.MannersFor(model);
            if (FormOf(model, manners) is { } form)
            {
                exchange.Context.Features.Set(Shape(request, model, form));
            }
            else if (manners is { IgnoresToolChoice: true })
            {
                ShapeChoice(request);
            }
        }

        return default;
    }

    /// <summary>How the model writes the calls that are the gateway's to read; null: the engine reads them.</summary>
    public static IToolForm? FormOf(ModelSpec model, RunnerManners? manners) =>
        ToolForms.Of(model.ToolFormat == ToolFormat.Auto ? manners?.ToolFormat ?? ToolFormat.Native : model.ToolFormat);

    /// <summary>Shapes a request to a model whose calls are the gateway's to read.</summary>
    /// <returns>What the model may call; null: nothing, and its answer is left alone.</returns>
    internal static ToolWishes? Shape(JsonRequest request, ModelSpec model, IToolForm form)
    {
        var isTold = form is GemmaForm || model.Facts is { HasChatTemplate: true, TakesTools: false };
        if (!request.Fields.HasTools && !(isTold && MayHold(request.Json, "\"tool"u8)))
        {
            return null;
        }

        try
        {
            var wishes = ToolWishes.Read(request);
            var instruction = !wishes.MayCall ? "" : isTold ? $"{form.Describe(wishes.Tools)}\n\n{wishes.Instruction}".TrimEnd() : wishes.Instruction;
            var writes = isTold || (form.TemplatesRefuseSeveralCalls && MayHold(request.Json, "\"tool_calls\""u8));
            Write(request, instruction, writes ? form : null, isTold, withoutTools: isTold || wishes.Choice == ToolChoice.None);
            return wishes.MayCall ? wishes : null;
        }
        catch (Exception odd) when (odd is JsonException or InvalidOperationException)
        {
            return null; // a name that holds half a character, which the engine may judge
        }
    }

    /// <summary>Makes a request say in words, or by what it leaves out, which tools are to be called; for an engine that reads calls and overlooks the choice.</summary>
    internal static void ShapeChoice(JsonRequest request)
    {
        if (!request.Fields.HasTools || !MayHold(request.Json, "\"tool_choice\""u8))
        {
            return;
        }

        try
        {
            var wishes = ToolWishes.Read(request, withTools: false);
            if (wishes.Choice != ToolChoice.Free)
            {
                Write(request, wishes.Instruction, null, isTold: false, withoutTools: wishes.Choice == ToolChoice.None);
            }
        }
        catch (Exception odd) when (odd is JsonException or InvalidOperationException)
        {
            // The same.
        }
    }

    // Without a form calls and results are left to the chat template.
    private static void Write(JsonRequest request, string instruction, IToolForm? form, bool isTold, bool withoutTools)
    {
        if (instruction.Length == 0 && form is null && !withoutTools)
        {
            return;
        }

        request.Settle(); // the steps before this one have changed bytes that are now read
        if (request.Fields.MessagesOffset >= 0)
        {
            foreach (var edit in new ToolConversation(request.Json, form, isTold).Edits(request.Fields.MessagesOffset, instruction))
            {
                request.Edit(edit);
            }
        }

        if (withoutTools)
        {
            _ = request.Shape(WithoutTools, RequestFields.None);
        }

        request.Settle();
    }

    // What is found without reason, in a text that is no name, costs a closer look.
    private static bool MayHold(in ReadOnlySequence<byte> json, ReadOnlySpan<byte> name) => new SequenceReader<byte>(json).TryReadTo(out ReadOnlySequence<byte> _, name);
}
