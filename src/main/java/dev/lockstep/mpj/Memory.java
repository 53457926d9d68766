package dev.lockstep.mpj;

import java.nio.ByteBuffer;

import mpjbuf.Buffer;
import mpjbuf.NIOBuffer;
import org.openucx.jucx.UcxUtils;

/**
 * Memory that UCX reads or writes.
 *
 * @param bytes   keeps it
 * @param address of its first byte
 * @param length  in bytes
 */
record Memory(ByteBuffer bytes, long address, int length) {
    static final Memory NONE = new Memory(ByteBuffer.allocate(0), 0, 0);

    static Memory allocate(int length) {
        return of(ByteBuffer.allocateDirect(length), 0, length);
    }

    static Memory of(ByteBuffer direct, int offset, int length) {
        return new Memory(direct, UcxUtils.getAddress(direct) - direct.position() + offset, length);
    }

    static Memory copyOf(byte[] array) {
        Memory memory = allocate(array.length);
        memory.bytes.put(0, array);
        return memory;
    }

    /** What MPJ has put into one of its buffers. */
    static Memory written(Buffer buffer) {
        ByteBuffer bytes = bytes(buffer);
        if (bytes.isDirect()) {
            return of(bytes, buffer.offset(), buffer.getSize());
        }
        Memory copy = allocate(buffer.getSize()); // a program's own, for MPI.Bsend
        copy.bytes.put(0, bytes, buffer.offset(), copy.length);
        return copy;
    }

    static ByteBuffer bytes(Buffer buffer) {
        return ((NIOBuffer) buffer.getStaticBuffer()).getBuffer();
    }

    /** Of the two numbers before the elements of a section. */
    static int type(ByteBuffer section, int offset) {
        return section.get(offset);
    }

    static int elements(ByteBuffer section, int offset) {
        return section.getInt(offset + Integer.BYTES);
    }
}
