package dev.lockstep.journal;

import java.util.Arrays;

import dev.lockstep.host.UsageException;

/**
 * A number above 0 for each sample of each prompt, in 8 bytes where prompts have one sample and in at most some 16 where they
 * have several, whose number nobody says beforehand. Zero is none.
 *
 * <p>
 * A prompt with one sample has its number in {@code heads}. One with more has a block there, of a power of two of numbers,
 * and gets one twice the size when it does not suffice; what it leaves serves the next prompt.
 */
final class SampleOffsets {
    /** A little less than the longest array of Java. */
    private static final int MOST = Integer.MAX_VALUE - 8;
    private static final int SIZES = 32;

    // by prompt: above 0 the number of sample 0, below 0 where its block is and the logarithm of its size
    private long[] heads = new long[1024];
    private long[] blocks = new long[0];
    private int used;
    // by logarithm of the size, the first free block plus 1; each holds the next one in its first place
    private final long[] free = new long[SIZES];

    long get(int prompt, int sample) {
        long head = prompt < heads.length ? heads[prompt] : 0;
        if (head >= 0) {
            return sample == 0 ? head : 0;
        }
        return sample < 1 << size(head) ? blocks[block(head) + sample] : 0;
    }

    void put(int prompt, int sample, long number) {
        heads = longEnough(heads, prompt + 1L);
        long head = heads[prompt];
        if (head >= 0 && sample == 0) {
            heads[prompt] = number;
            return;
        }
        if (head >= 0 || sample >= 1 << size(head)) {
            int wanted = SIZES - Integer.numberOfLeadingZeros(sample);
            int block = allocate(wanted);
            if (head >= 0) {
                blocks[block] = head;
            } else {
                System.arraycopy(blocks, block(head), blocks, block, 1 << size(head));
                blocks[block(head)] = free[size(head)];
                free[size(head)] = block(head) + 1L;
            }
            head = ~((long) block * SIZES + wanted);
            heads[prompt] = head;
        }
        blocks[block(head) + sample] = number;
    }

    private static int size(long head) {
        return (int) (~head % SIZES);
    }

    private static int block(long head) {
        return (int) (~head / SIZES);
    }

    private int allocate(int size) {
        int length = 1 << size;
        int block = (int) free[size] - 1;
        if (block < 0) {
            block = used;
            blocks = longEnough(blocks, (long) used + length);
            used += length;
        } else {
            free[size] = blocks[block];
        }
        Arrays.fill(blocks, block, block + length, 0);
        return block;
    }

    private static long[] longEnough(long[] array, long length) {
        if (length > MOST) {
            throw new UsageException("the job has more results than can be kept apart; split the prompts");
        }
        return length <= array.length ? array : Arrays.copyOf(array, (int) Math.min(MOST, length + length / 2));
    }
}
