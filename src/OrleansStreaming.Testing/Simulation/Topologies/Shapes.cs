namespace OrleansStreaming.Testing.Simulation;

/// <summary>How streams and operators hang together.</summary>
internal static class Shapes
{
    public static IReadOnlyDictionary<string, Action<TopologyPlan>> All { get; } = new Dictionary<string, Action<TopologyPlan>>
    {
        ["chain"] = Chain,
        ["fan-out"] = FanOut,
        ["fan-in"] = FanIn,
        ["two-readers"] = TwoReaders,
        ["diamond"] = Diamond,
        ["cycle"] = Cycle,
    };

    /// <summary>One to six operators in a row, each of which keys its outputs anew.</summary>
    private static void Chain(TopologyPlan plan)
    {
        int length = plan.Random.Pick(1, 1, 2, 2, 3, 3, 4, 5, 6);
        plan.Stream("s0");
        for (int i = 0; i < length; i++)
        {
            plan.Stream($"s{i + 1}");
            plan.Operator([$"s{i}"], [$"s{i + 1}"]);
        }

        plan.Input("s0");
        plan.Sink($"s{length}");
        if (plan.Random.Chance(300))
        {
            plan.Sink("s0");
        }
    }

    private static void FanOut(TopologyPlan plan)
    {
        plan.Streams("in", "a", "b", "c");
        plan.Operator(["in"], ["a", "b"]);
        plan.Operator(["a"], ["c"]);
        plan.Input("in");
        plan.Sink("b");
        plan.Sink("c");
    }

    private static void FanIn(TopologyPlan plan)
    {
        plan.Stream("in0");
        plan.Stream("in1", like: "in0");
        plan.Stream("out");
        plan.Operator(["in0", "in1"], ["out"]);
        plan.Input("in0", "in1");
        plan.Sink("out");
    }

    /// <summary>Two operators read one stream and write another.</summary>
    private static void TwoReaders(TopologyPlan plan)
    {
        plan.Streams("in", "out", "last");
        plan.Operator(["in"], ["out"]);
        plan.Operator(["in"], ["out"]);
        plan.Operator(["out"], ["last"]);
        plan.Input("in");
        plan.Sink("out");
        plan.Sink("last");
    }

    private static void Diamond(TopologyPlan plan)
    {
        plan.Streams("in", "a", "b", "d", "out");
        plan.Operator(["in"], ["a", "b"]);
        plan.Operator(["a"], ["d"]);
        plan.Operator(["b"], ["d"]);
        plan.Operator(["d"], ["out"]);
        plan.Input("in");
        plan.Sink("out");
    }

    /// <summary>An operator whose outputs come back to it, through a stream that also is fed from outside.</summary>
    private static void Cycle(TopologyPlan plan)
    {
        plan.Streams("in", "out");
        plan.Stream("loop", feedback: true);
        plan.Operator(["in"], ["loop"], ["loop"]);
        plan.Operator(["loop"], ["loop", "out"], ["loop"]);
        plan.Input("in", "loop");
        plan.Sink("out");
    }
}
