using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>How one engine takes memory. Pure and without state.</summary>
internal interface IEngineMemory
{
    /// <summary>Whether keys and values may be written in 8 bits so that the model fits, and what the user's arguments leave open.</summary>
    ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts);

    /// <summary>The shape for as many conversations as the engine makes room for by itself, where it does so for more than one.</summary>
    /// <param name="shape">For what is configured, and else for one.</param>
    LaunchShape Widen(ModelSpec model, ModelFacts facts, LaunchShape shape) => shape;

    /// <summary>What the user's arguments say of the shape.</summary>
    /// <param name="model">The model, whose <c>Args</c> are read.</param>
    /// <param name="shape">What it is otherwise.</param>
    LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape);

    /// <summary>The most bytes of earlier prompts that it keeps when it is best launched.</summary>
    /// <param name="conversation">What one conversation of the shape's length takes.</param>
    ByteSize? PromptCacheFor(ByteSize conversation);

    /// <summary>What it needs when it is launched in this way, part by part.</summary>
    ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape);
}

/// <summary>What of a shape may be lowered; the rest is the user's word, or the engine has no means.</summary>
internal readonly record struct ShapeFreedom(bool Context, bool Conversations, bool Format, bool PromptCache);
