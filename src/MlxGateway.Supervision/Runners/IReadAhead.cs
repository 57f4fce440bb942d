using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>Reads the files of a model that will be launched soon, so that the launch finds them in the system's cache of files.</summary>
public interface IReadAhead
{
    /// <summary>Begins to read, in the background and behind everybody else's reading. Returns at once; a model that is being read already is not read twice.</summary>
    /// <param name="model">The model.</param>
    /// <param name="limit">How much may be read at most: what is free without pushing anybody's memory out.</param>
    void Begin(ModelSpec model, ByteSize limit);

    /// <summary>Stops reading, if it is being read.</summary>
    void Cancel(string modelId);
}
