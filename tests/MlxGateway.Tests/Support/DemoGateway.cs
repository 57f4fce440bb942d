using Xunit;

namespace MlxGateway.Tests.Support;

/// <summary>A gateway over demonstration runners that tests share where they do not disturb each other.</summary>
public sealed class DemoGateway : IAsyncLifetime
{
    /// <summary>The gateway.</summary>
    public Gateway Gateway { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
        """
        "steady": {"Runner":"demo","Memory":"100MB","Aliases":["gpt-4o-mini"]},
        "victim": {"Runner":"demo","Memory":"100MB"},
        "mortal": {"Runner":"demo","Memory":"100MB"},
        "keyed":  {"Runner":"demo","Memory":"100MB"},
        "broken": {"Runner":"demo","Memory":"100MB","Args":["--exit-at-start","3"]},
        "huge":   {"Runner":"demo","Memory":"100000GB"},
        "absent": {"Source":"/nowhere/model.gguf"}
        """,
        """
        "Residency":{"MaxResident":0,"Cooldown":"00:00:00.5"},"Memory":{"Reserve":"0GB"},"Limits":{"RequestBody":"8MB"},"Streams":{"HoldStatus":"00:00:00.2","KeepAlive":"00:00:00.2"}
        """);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Gateway.DisposeAsync();
}
