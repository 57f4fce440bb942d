namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>What <c>vm_stat</c> wrote on real machines.</summary>
internal static class MacTexts
{
    /// <summary>Apple silicon, 32 GB, before a model is loaded: the compressor holds 15 GB.</summary>
    public const string Squeezed = """
        Mach Virtual Memory Statistics: (page size of 16384 bytes)
        Pages free:                                    10069.
        Pages active:                                 432859.
        Pages inactive:                               426177.
        Pages speculative:                              5899.
        Pages throttled:                                   0.
        Pages wired down:                             171481.
        Pages purgeable:                               11278.
        "Translation faults":                     1935466161.
        Pages copy-on-write:                        84466299.
        Pages zero filled:                        1166655512.
        Pages reactivated:                          14752750.
        Pages purged:                               21102159.
        File-backed pages:                            398262.
        Anonymous pages:                              466673.
        Pages stored in compressor:                  1108263.
        Pages occupied by compressor:                1013366.
        Decompressions:                             18805352.
        Compressions:                               34308412.
        Pageins:                                    77347900.
        Pageouts:                                     115304.
        Swapins:                                     1024615.
        Swapouts:                                    3028624.
        Pages tagged:                                 143783.
        Pages tag-storage free:                           72.
        """;

    /// <summary>The same machine with an MLX model of 20 GB wired down.</summary>
    public const string Loaded = """
        Mach Virtual Memory Statistics: (page size of 16384 bytes)
        Pages free:                                   407390.
        Pages active:                                  88362.
        Pages inactive:                                85629.
        Pages speculative:                              1830.
        Pages throttled:                                   0.
        Pages wired down:                            1304728.
        Pages purgeable:                                1863.
        "Translation faults":                     1935710579.
        File-backed pages:                             92351.
        Anonymous pages:                               83470.
        Pages stored in compressor:                   405057.
        Pages occupied by compressor:                 171912.
        Swapouts:                                    3171828.
        """;

    /// <summary>Intel, with small pages.</summary>
    public const string Intel = """
        Mach Virtual Memory Statistics: (page size of 4096 bytes)
        Pages free:                               83542.
        Pages active:                            371110.
        Pages inactive:                          240731.
        Pages speculative:                         7053.
        Pages throttled:                              0.
        Pages wired down:                        229107.
        Pages purgeable:                          31460.
        "Translation faults":                1615966019.
        Pages copy-on-write:                   84209900.
        Pages zero filled:                    623745642.
        Pages reactivated:                    244719687.
        Pages purged:                         116565311.
        File-backed pages:                       103234.
        Anonymous pages:                         515660.
        Pages stored in compressor:             1144231.
        Pages occupied by compressor:            116378.
        """;
}
