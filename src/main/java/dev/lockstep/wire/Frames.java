package dev.lockstep.wire;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.wire.Message.AgentHello;
import dev.lockstep.wire.Message.Assignment;
import dev.lockstep.wire.Message.Bye;
import dev.lockstep.wire.Message.Dismiss;
import dev.lockstep.wire.Message.Doing;
import dev.lockstep.wire.Message.Drained;
import dev.lockstep.wire.Message.End;
import dev.lockstep.wire.Message.Exited;
import dev.lockstep.wire.Message.Failure;
import dev.lockstep.wire.Message.Formed;
import dev.lockstep.wire.Message.Heartbeat;
import dev.lockstep.wire.Message.Hello;
import dev.lockstep.wire.Message.Joined;
import dev.lockstep.wire.Message.Kept;
import dev.lockstep.wire.Message.Kill;
import dev.lockstep.wire.Message.Left;
import dev.lockstep.wire.Message.Output;
import dev.lockstep.wire.Message.Ports;
import dev.lockstep.wire.Message.Position;
import dev.lockstep.wire.Message.Progress;
import dev.lockstep.wire.Message.Release;
import dev.lockstep.wire.Message.Table;
import dev.lockstep.wire.Message.Worker;
import dev.lockstep.wire.Message.Workers;

/**
 * Messages as bytes: a frame is its length (4 bytes, big-endian), one byte for the kind and the fields in the record's
 * order. Strings are UTF-8 after their length.
 */
public final class Frames {
    /** No frame is longer, so that whoever connects by mistake cannot make us allocate. */
    public static final int MAX_BYTES = 1 << 20;

    private static final int HELLO = 1;
    private static final int PORTS = 2;
    private static final int TABLE = 3;
    private static final int FAILURE = 4;
    private static final int PROGRESS = 5;
    private static final int BYE = 6;
    private static final int OVER = 7;
    private static final int ALIVE = 8;
    private static final int FORMED = 9;
    private static final int POSITION = 10;
    private static final int LEFT = 11;
    private static final int JOINED = 12;
    private static final int DOING = 13;
    private static final int KEPT = 14;
    private static final int WORKER = 15;
    private static final int WORKERS = 16;
    private static final int WAITS = 17;
    private static final int LATE = 18;
    private static final int DONE = 19;
    // between the launcher and an agent
    private static final int ENLIST = 32;
    private static final int ASSIGNMENT = 33;
    private static final int OUTPUT = 34;
    private static final int EXITED = 35;
    private static final int DRAINED = 36;
    private static final int END = 37;
    private static final int KILL = 38;
    private static final int DISMISS = 39;
    private static final int LOOK = 40;
    private static final int RAN = 41;

    private Frames() {}

    /**
     * Writes one frame with a single call, so that writers which share a lock never mix frames.
     *
     * @throws IOException also when the frame would exceed {@link #MAX_BYTES}; nothing is written then
     */
    public static void write(OutputStream out, Message message) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);
        DataOutputStream body = new DataOutputStream(bytes);
        body.writeInt(0);
        encode(body, message);
        byte[] frame = bytes.toByteArray();
        int length = frame.length - Integer.BYTES;
        if (length > MAX_BYTES) {
            throw new IOException("a " + message.getClass().getSimpleName() + " of " + length
                    + " bytes is over the limit of " + MAX_BYTES);
        }
        putLength(frame, length);
        out.write(frame);
        out.flush();
    }

    /**
     * Reads one frame.
     *
     * @return the message, or null when the stream ends before a frame begins
     * @throws IOException when the bytes are no frame of ours, or the stream ends inside one
     */
    public static @Nullable Message read(InputStream stream) throws IOException {
        byte[] frame = readBytes(stream);
        if (frame == null) {
            return null;
        }
        DataInputStream body = new DataInputStream(
                new ByteArrayInputStream(frame, Integer.BYTES, frame.length - Integer.BYTES));
        Message message = decode(body);
        if (body.available() > 0) {
            throw new IOException(body.available() + " bytes too many in a frame");
        }
        return message;
    }

    /** The bytes of one frame, its length included, as {@link #read} takes them; nothing is known of them yet. */
    static byte @Nullable [] readBytes(InputStream stream) throws IOException {
        int first = stream.read();
        if (first < 0) {
            return null;
        }
        DataInputStream in = new DataInputStream(stream);
        int length = first << 24 | in.readUnsignedByte() << 16 | in.readUnsignedShort();
        if (length < 1 || length > MAX_BYTES) {
            throw new IOException("a frame of " + length + " bytes");
        }
        byte[] frame = new byte[Integer.BYTES + length];
        in.readFully(frame, Integer.BYTES, length);
        putLength(frame, length);
        return frame;
    }

    private static void putLength(byte[] frame, int length) {
        for (int i = 0; i < Integer.BYTES; i++) {
            frame[i] = (byte) (length >>> 8 * (Integer.BYTES - 1 - i));
        }
    }

    private static void encode(DataOutputStream out, Message message) throws IOException {
        if (message instanceof Hello hello) {
            out.writeByte(HELLO);
            out.writeInt(hello.rank());
            out.writeLong(hello.pid());
            Fields.writeString(out, hello.host());
        } else if (message instanceof Ports ports) {
            out.writeByte(PORTS);
            Fields.writeString(out, ports.address());
            out.writeInt(ports.readPort());
            out.writeInt(ports.writePort());
            Fields.writeString(out, ports.certificate());
        } else if (message instanceof Table table) {
            out.writeByte(TABLE);
            out.writeInt(table.peers().size());
            for (Peer peer : table.peers()) {
                out.writeInt(peer.rank());
                Fields.writeString(out, peer.host());
                out.writeInt(peer.readPort());
                out.writeInt(peer.writePort());
                Fields.writeString(out, peer.certificate());
            }
        } else if (message instanceof Worker worker) {
            out.writeByte(WORKER);
            Fields.writeBytes(out, worker.address());
            Fields.writeString(out, worker.reason());
        } else if (message instanceof Workers workers) {
            out.writeByte(WORKERS);
            Fields.writeAll(out, workers.addresses());
        } else if (message instanceof Joined joined) {
            out.writeByte(JOINED);
            out.writeBoolean(joined.shares());
        } else if (message instanceof Failure failure) {
            out.writeByte(FAILURE);
            out.writeInt(failure.code());
            Fields.writeString(out, failure.cause());
        } else if (message instanceof Progress progress) {
            out.writeByte(PROGRESS);
            out.writeLong(progress.done());
            out.writeLong(progress.total());
            out.writeLong(progress.tokens());
            out.writeLong(progress.tokensToCome());
            out.writeLong(progress.all());
            out.writeDouble(progress.secondsElapsed());
        } else if (message instanceof Kept kept) {
            out.writeByte(KEPT);
            Fields.writeString(out, kept.place());
            out.writeLong(kept.before());
            Fields.writeString(out, kept.advice());
        } else if (message instanceof Message.Done done) {
            out.writeByte(DONE);
            out.writeInt(done.code());
        } else if (message instanceof Doing doing) {
            out.writeByte(DOING);
            Fields.writeString(out, doing.what());
            out.writeBoolean(doing.passing());
        } else if (message instanceof Release) {
            out.writeByte(OVER);
        } else if (message instanceof Bye bye) {
            out.writeByte(BYE);
            out.writeInt(bye.exitCode());
        } else if (message instanceof Heartbeat alive) {
            out.writeByte(ALIVE);
            out.writeBoolean(alive.atWork());
        } else if (message instanceof Formed formed) {
            out.writeByte(FORMED);
            out.writeInt(formed.group());
            out.writeInt(formed.leader());
            out.writeInt(formed.ranks().size());
            for (int rank : formed.ranks()) {
                out.writeInt(rank);
            }
        } else if (message instanceof Position position) {
            out.writeByte(POSITION);
            out.writeInt(position.group());
            out.writeInt(position.leader());
            out.writeInt(position.number());
            Fields.writeString(out, position.call());
            out.writeBoolean(position.inside());
            out.writeLong(position.millis());
        } else if (message instanceof Left left) {
            out.writeByte(LEFT);
            out.writeInt(left.group());
            out.writeInt(left.leader());
        } else if (message instanceof Message.Late late) {
            out.writeByte(LATE);
            out.writeInt(late.group());
            out.writeInt(late.leader());
            out.writeInt(late.number());
            out.writeLong(late.millis());
        } else if (message instanceof Message.Waits waits) {
            out.writeByte(WAITS);
            out.writeInt(waits.all().size());
            for (Message.Wait wait : waits.all()) {
                out.writeInt(wait.peer());
                out.writeBoolean(wait.sends());
                out.writeInt(wait.tag());
                out.writeLong(wait.millis());
            }
        } else {
            encodeForAgent(out, message);
        }
    }

    private static void encodeForAgent(DataOutputStream out, Message message) throws IOException {
        if (message instanceof AgentHello enlist) {
            out.writeByte(ENLIST);
            out.writeInt(enlist.index());
            Fields.writeString(out, enlist.host());
            out.writeInt(enlist.localRank());
            out.writeInt(enlist.localSize());
        } else if (message instanceof Assignment assignment) {
            out.writeByte(ASSIGNMENT);
            writeShare(out, assignment.share());
            writeJob(out, assignment.job());
            out.writeBoolean(assignment.ownOutput());
        } else if (message instanceof Output output) {
            out.writeByte(OUTPUT);
            out.writeInt(output.rank());
            out.writeByte(output.stream());
            out.writeBoolean(output.more());
            Fields.writeBytes(out, output.bytes());
        } else if (message instanceof Exited exited) {
            out.writeByte(EXITED);
            out.writeInt(exited.rank());
            out.writeInt(exited.code());
        } else if (message instanceof Drained) {
            out.writeByte(DRAINED);
        } else if (message instanceof End end) {
            out.writeByte(END);
            out.writeInt(end.rank());
            out.writeBoolean(end.sparesRank());
        } else if (message instanceof Kill kill) {
            out.writeByte(KILL);
            out.writeInt(kill.rank());
        } else if (message instanceof Message.Look look) {
            out.writeByte(LOOK);
            out.writeInt(look.rank());
        } else if (message instanceof Message.Ran ran) {
            out.writeByte(RAN);
            out.writeInt(ran.rank());
            out.writeLong(ran.nanos());
        } else if (message instanceof Dismiss dismiss) {
            out.writeByte(DISMISS);
            out.writeInt(dismiss.code());
        }
    }

    private static Message decode(DataInputStream in) throws IOException {
        int kind = in.readUnsignedByte();
        return switch (kind) {
            case HELLO -> new Hello(in.readInt(), in.readLong(), Fields.readString(in));
            case PORTS -> new Ports(Fields.readString(in), in.readInt(), in.readInt(), Fields.readString(in));
            case TABLE -> new Table(readPeers(in));
            case WORKER -> new Worker(Fields.readBytes(in), Fields.readString(in));
            case WORKERS -> new Workers(Fields.readAll(in));
            case JOINED -> new Joined(in.readBoolean());
            case FAILURE -> new Failure(in.readInt(), Fields.readString(in));
            case PROGRESS -> new Progress(in.readLong(), in.readLong(), in.readLong(), in.readLong(), in.readLong(),
                    in.readDouble());
            case KEPT -> new Kept(Fields.readString(in), in.readLong(), Fields.readString(in));
            case DONE -> new Message.Done(in.readInt());
            case DOING -> new Doing(Fields.readString(in), in.readBoolean());
            case BYE -> new Bye(in.readInt());
            case OVER -> new Release();
            case ENLIST -> new AgentHello(in.readInt(), Fields.readString(in), in.readInt(), in.readInt());
            case ASSIGNMENT -> new Assignment(readShare(in), readJob(in), in.readBoolean());
            case OUTPUT -> new Output(in.readInt(), in.readUnsignedByte(), in.readBoolean(), Fields.readBytes(in));
            case EXITED -> new Exited(in.readInt(), in.readInt());
            case DRAINED -> new Drained();
            case END -> new End(in.readInt(), in.readBoolean());
            case KILL -> new Kill(in.readInt());
            case DISMISS -> new Dismiss(in.readInt());
            case LOOK -> new Message.Look(in.readInt());
            case RAN -> new Message.Ran(in.readInt(), in.readLong());
            case ALIVE -> new Heartbeat(in.readBoolean());
            case FORMED -> new Formed(in.readInt(), in.readInt(), Fields.readRanks(in));
            case POSITION -> new Position(in.readInt(), in.readInt(), in.readInt(), Fields.readString(in),
                    in.readBoolean(),
                    in.readLong());
            case LEFT -> new Left(in.readInt(), in.readInt());
            case LATE -> new Message.Late(in.readInt(), in.readInt(), in.readInt(), in.readLong());
            case WAITS -> new Message.Waits(readWaits(in));
            default -> throw new IOException("a frame of unknown kind " + kind);
        };
    }

    private static List<Message.Wait> readWaits(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<Message.Wait> waits = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            waits.add(new Message.Wait(in.readInt(), in.readBoolean(), in.readInt(), in.readLong()));
        }
        return waits;
    }

    private static List<Peer> readPeers(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            peers.add(new Peer(in.readInt(), Fields.readString(in), in.readInt(), in.readInt(), Fields.readString(in)));
        }
        return peers;
    }

    private static void writeShare(DataOutputStream out, HostRanks share) throws IOException {
        out.writeInt(share.ranks().size());
        for (int rank : share.ranks()) {
            out.writeInt(rank);
        }
        out.writeInt(share.size());
        out.writeInt(share.firstLocalRank());
        out.writeInt(share.localSize());
        Fields.writeString(out, share.host());
    }

    private static HostRanks readShare(DataInputStream in) throws IOException {
        List<Integer> ranks = Fields.readRanks(in);
        return new HostRanks(ranks, in.readInt(), in.readInt(), in.readInt(), Fields.readString(in));
    }

    private static void writeJob(DataOutputStream out, JobSpec job) throws IOException {
        Fields.writeString(out, job.device());
        Fields.writeString(out, job.traffic().device());
        Fields.writeString(out, job.traffic().ports().toString());
        out.writeBoolean(job.traffic().encrypt());
        out.writeBoolean(job.oversubscribe());
        Fields.writeStrings(out, job.classPath());
        Fields.writeStrings(out, job.program());
        Fields.writeString(out, job.compiled().mainClass());
        out.writeInt(job.compiled().java());
        Fields.writeBytes(out, job.compiled().jar());
        Fields.writeMap(out, job.inherited());
        Fields.writeMap(out, job.variables());
        Fields.writeString(out, job.directory());
        Fields.writeString(out, job.network());
        out.writeBoolean(job.tag());
        Fields.writeString(out, job.past().job());
        out.writeInt(job.past().restarts());
        Fields.writeStrings(out, job.past().deaths());
    }

    private static JobSpec readJob(DataInputStream in) throws IOException {
        return new JobSpec(Fields.readString(in), Fields.readTraffic(in), in.readBoolean(), Fields.readStrings(in),
                Fields.readStrings(in),
                new CompiledProgram(Fields.readString(in), in.readInt(), Fields.readBytes(in)),
                Fields.readMap(in), Fields.readMap(in),
                Fields.readString(in), Fields.readString(in), in.readBoolean(),
                new Past(Fields.readString(in), in.readInt(), Fields.readStrings(in)));
    }
}
