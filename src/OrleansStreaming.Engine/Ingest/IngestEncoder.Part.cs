using System.Buffers;
using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

internal sealed partial class IngestEncoder
{
    /// <summary>The events of one partition, in a rented buffer, and what became of them. Parts of requests are used again.</summary>
    internal sealed class Part(int partition) : IBufferWriter<byte>
    {
        private const int MaxSpare = 1024;
        private const int MaxBytesKept = 64 << 10;
        private static readonly ConcurrentQueue<Part> Spare = new();
        private IngestBatch? _batch;
        private IngestRound? _round;

        /// <summary>The end of what is being encoded.</summary>
        private int _written;

        /// <summary>How many bytes the length of the last payload took; the next is likely to take as many.</summary>
        private int _lengthBytes = 1;

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
            Reserve(Length + row.MaxSize);
            Length += row.Write(Rows.AsSpan(Length), 0);
            Count++;
        }

        /// <summary>Appends a row whose payload is encoded in its place: copied once less.</summary>
        /// <param name="row">The row, without its payload.</param>
        /// <param name="serializer">Encodes the payload; when it throws, nothing has been appended.</param>
        /// <param name="value">What to encode.</param>
        public void Append<TEvent>(ref Row row, IEventSerializer<TEvent> serializer, in TEvent value)
        {
            Reserve(Length + row.MaxSize);
            int head = Length + row.WriteHead(Rows.AsSpan(Length), 0);
            int start = head + _lengthBytes;
            _written = start;
            serializer.Write(in value, this);
            int length = _written - start;
            if (Varint.Length((uint)length) is var needed && needed != _lengthBytes)
            {
                // The length in front takes more or fewer bytes than that of the payload before.
                Reserve(head + needed + length, _written);
                Rows.AsSpan(start, length).CopyTo(Rows.AsSpan(head + needed));
                _lengthBytes = needed;
            }

            Varint.Write(Rows, ref head, (uint)length);
            Length = head + length;
            Count++;
        }

        void IBufferWriter<byte>.Advance(int count)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Rows.Length - _written), nameof(count));
            _written += count;
        }

        Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
        {
            Reserve(_written + Math.Max(sizeHint, 1), _written);
            return Rows.AsMemory(_written);
        }

        Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
        {
            Reserve(_written + Math.Max(sizeHint, 1), _written);
            return Rows.AsSpan(_written);
        }

        /// <summary>The message that brings them to their owner, who reads them until it has answered.</summary>
        public IngestBatch ToBatch(byte[] producer, long sequence, long? previous, long last, Action<IngestResult> done) => new()
        {
            Partition = Partition,
            Rows = Rows.AsMemory(0, Length),
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
            _batch.Rows = Rows.AsMemory(0, Length);
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

        private void Reserve(int bytes) => Reserve(bytes, Length);

        /// <summary>Makes room.</summary>
        /// <param name="bytes">For so many from the start on.</param>
        /// <param name="kept">So many are in use.</param>
        private void Reserve(int bytes, int kept)
        {
            if (bytes > Rows.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, Math.Max(512, Rows.Length * 2)));
                Rows.AsSpan(0, kept).CopyTo(larger);
                Release();
                Rows = larger;
            }
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
