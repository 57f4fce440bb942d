using System.Collections.Concurrent;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Tests.Residency;

// Keeps every lesson as it was given.
internal sealed class FakeRecords : IFootprintRecords
{
    public ConcurrentQueue<(string Model, FootprintLesson Lesson)> Lessons { get; } = new();

    public ByteSize? PeakOf(ModelSpec model, LaunchShape shape) => throw new NotSupportedException("Nobody asks in these tests.");

    public TimeSpan? LoadTimeOf(ModelSpec model, LaunchShape shape) => throw new NotSupportedException("Nobody asks in these tests.");

    public FootprintRecord? RecordOf(ModelSpec model, LaunchShape shape) => throw new NotSupportedException("Nobody asks in these tests.");

    public void Learn(ModelSpec model, LaunchShape shape, FootprintLesson lesson) => Lessons.Enqueue((model.Id, lesson));
}
