using System.Text.Json.Serialization;

namespace MlxGateway.Inference.Listing;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelListAnswer))]
[JsonSerializable(typeof(ModelRecord))]
[JsonSerializable(typeof(GatewayProps))]
internal sealed partial class ListingJson : JsonSerializerContext;
