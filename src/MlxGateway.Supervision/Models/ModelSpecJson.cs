using System.Text.Json.Serialization;

namespace MlxGateway.Supervision.Models;

/// <summary>A specification as text. What is as it is by default is left out, so that a property which a later version adds changes nothing for those who do not use it.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(ModelSpec))]
internal sealed partial class ModelSpecJson : JsonSerializerContext;
