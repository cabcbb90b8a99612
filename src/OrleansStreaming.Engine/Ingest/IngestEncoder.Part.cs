using System.Buffers;
using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

internal sealed partial class IngestEncoder
{
    /// <summary>The events of one partition, in a rented buffer, and what became of them. Parts of requests are used again.</summary>
    internal sealed class Part(int partition)
    {
        private const int MaxSpare = 1024;
        private const int MaxBytesKept = 64 << 10;
        private static readonly ConcurrentQueue<Part> Spare = new();
        private IngestBatch? _batch;
        private IngestRound? _round;

        public int Partition { get; private set; } = partition;

        public byte[] Rows { get; private set; } = [];

        public int Length { get; private set; }

        public int Count { get; private set; }

        /// <summary>What the round that it was sent with has been answered.</summary>
        public IngestResult Result { get; private set; }

        /// <summary>An empty part, to be given back with <see cref="Return"/>.</summary>
        public static Part Take(int partition)
        {
            if (!Spare.TryDequeue(out Part? part))
            {
                return new Part(partition);
            }

            part.Partition = partition;
            return part;
        }

        public void Append(ref Row row)
        {
            int needed = Length + row.MaxSize;
            if (needed > Rows.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(512, Rows.Length * 2)));
                Rows.AsSpan(0, Length).CopyTo(larger);
                Release();
                Rows = larger;
            }

            Length += row.Write(Rows.AsSpan(Length), 0);
            Count++;
        }

        /// <summary>The message that brings them to their owner, who reads them until it has answered.</summary>
        public IngestBatch ToBatch(byte[] producer, long sequence, long? previous, long last, Action<IngestResult> done) => new()
        {
            Partition = Partition,
            Rows = Rows,
            Length = Length,
            Count = Count,
            Producer = producer,
            Sequence = sequence,
            Previous = previous,
            Last = last,
            Done = done,
        };

        /// <summary>The message that brings them to their owner as a part of a round, which is told of the answer.</summary>
        public IngestBatch ToBatch(IngestRound round, byte[] producer, long sequence)
        {
            _round = round;
            _batch ??= ToBatch(producer, sequence, null, 0, Answer);
            _batch.Partition = Partition;
            _batch.Rows = Rows;
            _batch.Length = Length;
            _batch.Count = Count;
            _batch.Producer = producer;
            _batch.Sequence = sequence;
            return _batch;
        }

        /// <summary>There is nobody to send them to.</summary>
        public void Refuse(IngestRound round)
        {
            _round = round;
            Answer(new IngestResult(IngestStatus.NotHere));
        }

        /// <summary>Forgets the events and keeps the buffer.</summary>
        public void Clear() => Length = Count = 0;

        /// <summary>Nobody needs it any more.</summary>
        public void Return()
        {
            Clear();
            _round = null;
            if (Rows.Length > MaxBytesKept)
            {
                Release();
            }

            if (Spare.Count < MaxSpare)
            {
                Spare.Enqueue(this);
            }
            else
            {
                Release();
            }
        }

        private void Answer(IngestResult result)
        {
            Result = result;
            _round!.Answered();
        }

        private void Release()
        {
            if (Rows.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(Rows);
                Rows = [];
            }
        }
    }
}
