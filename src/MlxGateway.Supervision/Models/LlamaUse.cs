using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>What <c>llama-server</c> does with a model, which it must be told by a switch: its files say it, and the user's arguments may.</summary>
/// <param name="Chats">It writes. A model of vectors cannot, whatever is asked.</param>
/// <param name="MakesVectors">It makes vectors of texts.</param>
/// <param name="Ranks">It ranks texts.</param>
/// <param name="TakesWholeInputs">It must have each input in one step, so that no input may be longer than a step.</param>
internal readonly record struct LlamaUse(bool Chats, bool MakesVectors, bool Ranks, bool TakesWholeInputs)
{
    private const string Last = "last";

    /// <summary>What is done with a model.</summary>
    public static LlamaUse Of(ModelSpec model, LlamaArguments arguments)
    {
        var use = model.Facts?.Use ?? ModelUse.Chat;
        var ranks = arguments.IsOn(LlamaFlags.Reranking) ?? use is ModelUse.Reranking;
        var makesVectors = arguments.IsOn(LlamaFlags.Embeddings) ?? use is ModelUse.Embedding;

        // Only a vector that is the last token's can be made step by step, and only by a model that remembers what it has read.
        var pooling = arguments.Text(LlamaFlags.Pooling) ?? (model.Facts?.Pooling == ModelFacts.LastPooling ? Last : null);
        return new LlamaUse(use is not (ModelUse.Embedding or ModelUse.Reranking), makesVectors, ranks, ranks || (makesVectors && (pooling != Last || GgufUse.IsEncoder(model.Facts?.Architecture))));
    }
}
