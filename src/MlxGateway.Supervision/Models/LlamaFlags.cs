namespace MlxGateway.Supervision.Models;

/// <summary>A flag of <c>llama-server</c> in all its spellings.</summary>
/// <param name="Variable">The environment variable that says the same; null: there is none. A flag on the command line wins over it.</param>
/// <param name="Names">Its names, with their dashes.</param>
internal sealed record LlamaFlag(string? Variable, params string[] Names);

/// <summary>A flag without a value, and the ones that take it back.</summary>
/// <param name="Yes">What turns it on; as a variable, its value says which.</param>
/// <param name="No">What turns it off.</param>
internal sealed record LlamaSwitch(LlamaFlag Yes, params string[] No);

/// <summary>The flags of <c>llama-server</c> from which the gateway learns something. Older spellings are among them.</summary>
internal static class LlamaFlags
{
    public static readonly LlamaFlag Context = new("LLAMA_ARG_CTX_SIZE", "--ctx-size", "-c");
    public static readonly LlamaFlag Parallel = new("LLAMA_ARG_N_PARALLEL", "--parallel", "-np");
    public static readonly LlamaSwitch Unified = new(new("LLAMA_ARG_KV_UNIFIED", "--kv-unified", "-kvu"), "--no-kv-unified", "-no-kvu");
    public static readonly LlamaFlag PerSlot = new("LLAMA_ARG_KV_UNIFIED_PER_SLOT", "--kv-unified-per-slot");
    public static readonly LlamaFlag Batch = new("LLAMA_ARG_BATCH", "--batch-size", "-b");
    public static readonly LlamaFlag Step = new("LLAMA_ARG_UBATCH", "--ubatch-size", "-ub");
    public static readonly LlamaFlag KeyType = new("LLAMA_ARG_CACHE_TYPE_K", "--cache-type-k", "-ctk");
    public static readonly LlamaFlag ValueType = new("LLAMA_ARG_CACHE_TYPE_V", "--cache-type-v", "-ctv");
    public static readonly LlamaFlag FlashAttention = new("LLAMA_ARG_FLASH_ATTN", "--flash-attn", "-fa");
    public static readonly LlamaSwitch WholeWindows = new(new("LLAMA_ARG_SWA_FULL", "--swa-full"));
    public static readonly LlamaFlag CacheRam = new("LLAMA_ARG_CACHE_RAM", "--cache-ram", "-cram");
    public static readonly LlamaFlag Checkpoints = new("LLAMA_ARG_CTX_CHECKPOINTS", "--ctx-checkpoints", "-ctxcp", "--swa-checkpoints");
    public static readonly LlamaSwitch Embeddings = new(new("LLAMA_ARG_EMBEDDINGS", "--embeddings", "--embedding"));
    public static readonly LlamaSwitch Reranking = new(new("LLAMA_ARG_RERANKING", "--reranking", "--rerank"));
    public static readonly LlamaFlag Pooling = new("LLAMA_ARG_POOLING", "--pooling");
    public static readonly LlamaFlag Projector = new("LLAMA_ARG_MMPROJ", "--mmproj", "-mm");
    public static readonly LlamaSwitch UsesProjector = new(new("LLAMA_ARG_MMPROJ_AUTO", "--mmproj-auto"), "--no-mmproj", "--no-mmproj-auto");
    public static readonly LlamaFlag Lora = new(null, "--lora");
    public static readonly LlamaFlag LoraScaled = new(null, "--lora-scaled");
    public static readonly LlamaFlag ControlVector = new(null, "--control-vector");
    public static readonly LlamaFlag ControlVectorScaled = new(null, "--control-vector-scaled");
    public static readonly LlamaFlag Draft = new("LLAMA_ARG_SPEC_DRAFT_MODEL", "--spec-draft-model", "--model-draft", "-md");
    public static readonly LlamaFlag DraftContext = new("LLAMA_ARG_CTX_SIZE_DRAFT", "--ctx-size-draft", "-cd");
    public static readonly LlamaFlag DraftKeyType = new("LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K", "--spec-draft-type-k", "--cache-type-k-draft", "-ctkd");
    public static readonly LlamaFlag DraftValueType = new("LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V", "--spec-draft-type-v", "--cache-type-v-draft", "-ctvd");
    public static readonly LlamaFlag Guesses = new("LLAMA_ARG_SPEC_TYPE", "--spec-type");
    public static readonly LlamaFlag ApiKey = new("LLAMA_API_KEY", "--api-key");
    public static readonly LlamaFlag CorsOrigins = new("LLAMA_ARG_CORS_ORIGINS", "--cors-origins");
}
