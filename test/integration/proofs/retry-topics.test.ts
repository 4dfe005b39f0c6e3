import * as retryTopics from '../../proofs/retry-topics.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(retryTopics);
